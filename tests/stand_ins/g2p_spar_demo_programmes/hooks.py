# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What demonstration data cannot hold: what depends on records that others make."""

from odoo import Command

from odoo.addons.g2p_spar_connector.partner_result import is_payable

AMOUNT = 120
NO_BENEFICIARY = ("person_quirino_villar",)  # his household is one


def post_init_hook(env):
    _choose_spar(env)
    _entitle(env)
    _remove_an_address(env)


def _choose_spar(env):
    program = _ref(env, "program")
    manager = program.get_manager(program.MANAGER_PAYMENT)
    tag = _ref(env, "batch_tag")
    manager.write({"fa_source": "spar", "batch_tag_ids": [Command.set(tag.ids)]})


def _entitle(env):
    """All people are members of the programme and of its cycle, and have an approved amount."""
    program, cycle = _ref(env, "program"), _ref(env, "cycle")
    people = _people(env)
    env["g2p.program_membership"].create(
        [
            {"partner_id": person.id, "program_id": program.id, "state": "enrolled"}
            for person in people
        ]
    )
    env["g2p.cycle.membership"].create(
        [{"partner_id": person.id, "cycle_id": cycle.id, "state": "enrolled"} for person in people]
    )
    env["g2p.entitlement"].create(
        [
            {
                "partner_id": person.id,
                "cycle_id": cycle.id,
                "initial_amount": AMOUNT,
                "is_cash_entitlement": True,
                "state": "approved",
            }
            for person in people
        ]
    )


def _remove_an_address(env):
    """One person had an address, and does not want to be paid there any more."""
    person, connector = _ref(env, "person_honorio_flores"), env["g2p.spar.connector"]
    bank = env.ref("g2p_spar_demo.provider_bayani")
    account = {"provider_id": bank.id, "number": "001234567890"}
    reason = "demonstration"
    if not is_payable(connector.resolve_partners(person)[person.id]):
        connector.link_partners([(person, account)], reason)
    connector.unlink_partners(person, reason)


def _people(env):
    data = env["ir.model.data"].search(
        [
            ("module", "=", "g2p_spar_demo_programmes"),
            ("model", "=", "res.partner"),
            ("name", "not in", NO_BENEFICIARY),
        ]
    )
    return env["res.partner"].browse(data.mapped("res_id"))


def _ref(env, name):
    return env.ref(f"g2p_spar_demo_programmes.{name}")
