# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import tagged

from odoo.addons.g2p_spar_connector.tests.pbms_contract import PbmsContract

from .. import names

ENTITLEMENT = "spp.entitlement"
CYCLE_MEMBERSHIP = "spp.cycle.membership"
BATCH = "spp.payment.batch"
TAG = "spp.payment.batch.tag"


@tagged("post_install", "-at_install")
class TestContract(PbmsContract):
    fields = {
        names.PROGRAM: {
            "payment_manager_ids": f"many2many {names.PAYMENT_MANAGER}",
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
            "id_type_id": f"many2one {names.VOCABULARY_CODE}",
            "value": "char*",
            "status": "selection invalid",
            "expiry_date": "date",
        },
        names.VOCABULARY_CODE: {"code": "char*"},
        names.MEMBERSHIP: {
            "group": "many2one res.partner",
            "individual": "many2one res.partner",
            "membership_type_ids": f"many2many {names.VOCABULARY_CODE}",
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
        "spp_programs.view_cycle_form": ["//button[@name='prepare_payment']"],
        "spp_programs.view_payment_form": ["//sheet"],
        "spp_programs.view_payment_tree": ["//field[@name='account_number']"],
        "spp_programs.payment_filter": ["//field[@name='account_number']"],
        "spp_programs.view_payment_manager_default_form": ["//group[@name='tagconfig']"],
        "spp_registry.view_individuals_form": [
            "//div[@name='button_box']",
            "//page[@name='history']",
            "//page[@name='group_profile']",
        ],
    }
    records = {
        names.ADMIN_GROUP: "res.groups",
        names.MANAGER_GROUP: "res.groups",
        names.OFFICER_GROUP: "res.groups",
    }

    def test_contract(self):
        self.check()

    def test_kind_of_manager(self):
        self.assertIsInstance(self.env[names.PROGRAM].MANAGER_PAYMENT, int)
