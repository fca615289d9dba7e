# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Have keys of our own to sign with at once, not only when their scheduled action runs."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    api.Environment(cr, SUPERUSER_ID, {})["g2p.spar.signing.key"]._cron_rotate()
