# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.


def post_init_hook(env):
    env["g2p.spar.demo"]._link_people()
