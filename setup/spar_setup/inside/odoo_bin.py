# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Odoo's command. A file of its own, since Odoo starts its gevent worker by this file's name."""

import odoo.cli

if __name__ == "__main__":
    odoo.cli.main()
