# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command, fields

from odoo.addons.g2p_spar_connector.tests.pbms_world import PbmsWorld

from .. import names
from ..hooks import uninstall_hook


class OpenSPPWorld(PbmsWorld):
    PROGRAM = names.PROGRAM
    CYCLE = names.CYCLE
    ENTITLEMENT = "spp.entitlement"
    PAYMENT = names.PAYMENT
    WRAPPER = names.PAYMENT_MANAGER
    TAG = "spp.payment.batch.tag"
    MANAGER_GROUP = names.MANAGER_GROUP
    FINANCE_GROUP = names.OFFICER_GROUP
    READER_GROUP = "spp_programs.group_programs_viewer"
    REGISTRANT_FORMS = ("spp_registry.view_individuals_form",)

    @classmethod
    def make_program(cls):
        programs = cls.env[cls.PROGRAM].with_context(create_default_managers=True)
        return programs.create({"name": "Programme", "target_type": "individual"})

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
        cls.id_type = cls.make_code("urn:tests:id-type", "test_id")
        return {"spp_id_type_id": cls.id_type.id}

    @classmethod
    def make_code(cls, namespace, code):
        vocabulary = cls.env["spp.vocabulary"].create({"name": code, "namespace_uri": namespace})
        return cls.env[names.VOCABULARY_CODE].create(
            {"vocabulary_id": vocabulary.id, "code": code, "display": code}
        )

    @classmethod
    def make_documents(cls, people, ids):
        return cls.env[names.ID_DOCUMENT].create(
            [
                {"partner_id": person.id, "id_type_id": cls.id_type.id, "value": id_}
                for person, id_ in zip(people, ids, strict=True)
            ]
        )

    @classmethod
    def make_head(cls, group, individual):
        head = cls.env[names.VOCABULARY_CODE].search([("code", "=", names.HEAD_CODE)], limit=1)
        cls.env[names.MEMBERSHIP].create(
            {
                "group": group.id,
                "individual": individual.id,
                "membership_type_ids": [Command.set(head.ids)],
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
        cls.env["spp.cycle.membership"].create(
            [
                {"partner_id": person.id, "cycle_id": cls.cycle.id, "state": "enrolled"}
                for person in people
            ]
        )
