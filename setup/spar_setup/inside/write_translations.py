# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Write the files below `i18n/` of addons.

`write_translations.py CONFIGURATION`; standard input: names of the database and of the addons, one
a line; standard output: names of the files that were written.
"""

import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main():
    database, *modules = sys.stdin.read().split()
    config.parse_config(["-c", sys.argv[1], "-d", database])
    with Registry(database).cursor() as cr:
        # of the tests, which check by it what it writes
        from odoo.addons.g2p_spar_self_service.tests import translations  # noqa: PLC0415

        env = api.Environment(cr, SUPERUSER_ID, {})
        print(*translations.write(env, modules), sep="\n")


if __name__ == "__main__":
    main()
