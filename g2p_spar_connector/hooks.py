# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.


def post_init_hook(env):
    """Signing keys from the beginning; where the key that seals them is missing, the job makes
    them once it is there."""
    env["g2p.spar.signing.key"]._cron_rotate()
