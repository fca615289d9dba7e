# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields

from odoo.addons.g2p_spar_connector.tests.pbms_world import PbmsWorld

from .. import names
from ..hooks import uninstall_hook


class OpenG2PWorld(PbmsWorld):
    PROGRAM = names.PROGRAM
    CYCLE = names.CYCLE
    ENTITLEMENT = "g2p.entitlement"
    PAYMENT = names.PAYMENT
    WRAPPER = names.PAYMENT_MANAGER
    TAG = "g2p.payment.batch.tag"
    MANAGER_GROUP = names.MANAGER_GROUP
    FINANCE_GROUP = names.FINANCE_GROUP
    READER_GROUP = "g2p_programs.g2p_program_cycle_approver"
    REGISTRANT_FORMS = (
        "g2p_registry_individual.view_individuals_form",
        "g2p_registry_group.view_groups_form",
    )

    @classmethod
    def make_program(cls):
        return cls.env[cls.PROGRAM].create({"name": "Programme", "target_type": "individual"})

    @classmethod
    def make_cycle(cls, name="Cycle"):
        today = fields.Date.today()
        return cls.env[cls.CYCLE].create(
            {
                "name": name,
                "program_id": cls.program.id,
                "start_date": today,
                "end_date": today,
                "state": "approved",
            }
        )

    @classmethod
    def id_rule_values(cls):
        cls.id_type = cls.env[names.ID_TYPE].create({"name": "ID of the Tests"})
        return {"g2p_id_type_id": cls.id_type.id}

    @classmethod
    def make_documents(cls, people, ids):
        return cls.env[names.ID_DOCUMENT].create(
            [
                {"partner_id": person.id, "id_type": cls.id_type.id, "value": id_}
                for person, id_ in zip(people, ids, strict=True)
            ]
        )

    @classmethod
    def make_head(cls, group, individual):
        cls.env[names.MEMBERSHIP].create(
            {
                "group": group.id,
                "individual": individual.id,
                "kind": [(4, cls.env.ref(names.HEAD).id)],
            }
        )

    @classmethod
    def spoil_documents(cls, invalid, expired):
        invalid.reg_ids.status = "invalid"
        expired.reg_ids.expiry_date = fields.Date.subtract(fields.Date.today(), days=1)

    def uninstall_hook(self):
        uninstall_hook(self.env)

    @classmethod
    def enroll(cls, people):
        cls.env["g2p.cycle.membership"].create(
            [
                {"partner_id": person.id, "cycle_id": cls.cycle.id, "state": "enrolled"}
                for person in people
            ]
        )
