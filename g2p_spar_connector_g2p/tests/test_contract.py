# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import tagged

from odoo.addons.g2p_spar_connector.tests.pbms_contract import PbmsContract

from .. import names

ENTITLEMENT = "g2p.entitlement"
CYCLE_MEMBERSHIP = "g2p.cycle.membership"
BATCH = "g2p.payment.batch"
TAG = "g2p.payment.batch.tag"


@tagged("post_install", "-at_install")
class TestContract(PbmsContract):
    fields = {
        names.PROGRAM: {
            "payment_managers": f"many2many {names.PAYMENT_MANAGER}",
            "company_id": "many2one res.company",
        },
        names.CYCLE: {
            "name": "char",
            "program_id": f"many2one {names.PROGRAM}",
            "state": "selection approved distributed cancelled ended",
            "entitlement_ids": f"one2many {ENTITLEMENT}",
            "cycle_membership_ids": f"one2many {CYCLE_MEMBERSHIP}",
            "payment_batch_ids": f"one2many {BATCH}",
        },
        CYCLE_MEMBERSHIP: {"partner_id": "many2one res.partner", "state": "selection enrolled"},
        ENTITLEMENT: {
            "partner_id": "many2one res.partner",
            "program_id": f"many2one {names.PROGRAM}",
            "state": "selection draft pending_validation approved",
            "payment_ids": f"one2many {names.PAYMENT}",
        },
        names.PAYMENT: {
            "name": "char",
            "entitlement_id": f"many2one {ENTITLEMENT}*",
            "partner_id": "many2one res.partner",
            "cycle_id": f"many2one {names.CYCLE}*",
            "program_id": f"many2one {names.PROGRAM}",
            "batch_id": f"many2one {BATCH}*",
            "state": "selection issued",
            "status": "selection paid failed*",
            "account_number": "char*",
        },
        BATCH: {
            "name": "char",
            "cycle_id": f"many2one {names.CYCLE}",
            "payment_ids": f"many2many {names.PAYMENT}",
            "tag_id": f"many2one {TAG}",
            "stats_datetime": "datetime",
        },
        TAG: {"domain": "text"},
        names.PAYMENT_MANAGER: {"manager_ref_id": "reference"},
        names.DEFAULT_PAYMENT_MANAGER: {
            "program_id": f"many2one {names.PROGRAM}",
            "batch_tag_ids": f"many2many {TAG}",
        },
        names.ID_DOCUMENT: {
            "partner_id": "many2one res.partner",
            "id_type": f"many2one {names.ID_TYPE}",
            "value": "char*",
            "status": "selection invalid",
            "expiry_date": "date",
        },
        names.MEMBERSHIP: {
            "group": "many2one res.partner",
            "individual": "many2one res.partner",
            "kind": "many2many g2p.group.membership.kind",
            "ended_date": "datetime*",
        },
        "res.partner": {"is_group": "boolean", "bank_ids": "one2many res.partner.bank"},
    }
    methods = {
        names.PROGRAM: {"get_manager": "kind"},
        names.CYCLE: {"prepare_payment": "", "send_payment": ""},
        names.PAYMENT: {"check_account_status": ""},
        BATCH: {"send_payment": ""},
        names.PAYMENT_MANAGER: {"_selection_manager_ref_id": ""},
        names.DEFAULT_PAYMENT_MANAGER: {
            "prepare_payments": "cycle entitlements",
            "_prepare_payments": "cycle entitlements",
            "send_payments": "batches",
            "_send_payments": "batches",
            "validate_accounts": "entitlements",
            "_get_account_number": "entitlement",
            "_safe_eval": "string locals_dict",
        },
    }
    views = {
        "g2p_programs.view_cycle_form": ["//button[@name='prepare_payment']"],
        "g2p_programs.view_payment_form": ["//sheet"],
        "g2p_programs.view_payment_tree": ["//field[@name='account_number']"],
        "g2p_programs.payment_filter": ["//field[@name='account_number']"],
        "g2p_programs.view_payment_manager_default_form": ["//group[@name='tagconfig']"],
        "g2p_registry_individual.view_individuals_form": [
            "//div[@name='button_box']",
            "//page[@name='other']",
        ],
        "g2p_registry_group.view_groups_form": [
            "//div[@name='button_box']",
            "//page[@name='other']",
        ],
    }
    records = {
        names.ADMIN_GROUP: "res.groups",
        names.MANAGER_GROUP: "res.groups",
        names.FINANCE_GROUP: "res.groups",
        names.HEAD: "g2p.group.membership.kind",
    }

    def test_contract(self):
        self.check()

    def test_kind_of_manager(self):
        self.assertIsInstance(self.env[names.PROGRAM].MANAGER_PAYMENT, int)


@tagged("post_install", "-at_install")
class TestContractBroken(PbmsContract):
    """One message names all that is not as expected."""

    fields = {
        "g2p.gone": {"name": "char"},
        names.PAYMENT: {
            "gone": "char",
            "account_number": "integer",
            "cycle_id": "many2one g2p.gone",
            "status": "selection paid gone",
            "partner_id": "many2one res.partner*",
        },
    }
    methods = {
        names.PAYMENT: {"gone": "", "check_account_status": "what"},
    }
    views = {
        "g2p_programs.gone": ["//form"],
        "g2p_programs.view_payment_form": ["//form", "//gone"],
    }
    records = {"g2p_programs.gone": "res.groups", names.HEAD: "res.groups"}

    def test_message(self):
        with self.assertRaises(AssertionError) as caught:
            self.check()
        self.assertEqual(
            str(caught.exception).partition("The PBMS is not as expected:\n")[2].splitlines(),
            [
                "g2p.gone: there is no such model",
                "g2p.payment.gone: there is no such field",
                "g2p.payment.account_number: is a char, expected a integer",
                "g2p.payment.cycle_id: refers to g2p.cycle, expected g2p.gone",
                "g2p.payment.status: lacks gone",
                "g2p.payment.partner_id: is not stored",
                "g2p.payment.gone: there is no such method",
                "g2p.payment.check_account_status(self): expected (what)",
                "g2p_programs.gone: there is no such view",
                "g2p_programs.view_payment_form: nothing is at //gone",
                "g2p_programs.gone: there is no such record of res.groups",
                "g2p_registry_membership.group_membership_kind_head: "
                "there is no such record of res.groups",
            ],
        )
