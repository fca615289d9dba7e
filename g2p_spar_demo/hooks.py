# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.


def post_init_hook(env):
    env["g2p.spar.demo"]._link_people()


def uninstall_hook(env):
    """Participants with history stay behind: not with powers and a secret."""
    participants = env["g2p.spar.demo"]._participants()
    participants.write({"active": False, "client_secret_digest": False})
    # Likewise the sign-in provider, where people have signed in, and the agent who has helped them.
    env.ref("g2p_spar_demo.agent").active = False
    env["g2p.spar.demo.identity.provider"]._client().active = False
