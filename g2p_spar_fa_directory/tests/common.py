# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from contextlib import contextmanager

from hypothesis import HealthCheck, settings

from odoo.tests import TransactionCase, new_test_user

# Deadlines would make a busy machine fail the tests; a database would leave files behind.
PROPERTY = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)

UPSTREAM_BANK = (
    "account_number:{account_number}.branch_name:{branch_name}.branch_code:{branch_code}"
    ".bank_name:{bank_name}.bank_code:{bank_code}.fa_type:{fa_type}"
)


class DirectoryCommon(TransactionCase):
    """A bank with two branches, a mobile wallet and an e-mail wallet by upstream's strategies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Test processes share a folder for files, and each removes what the others have not
        # committed yet.
        cls.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        cls.directory = cls.env["g2p.fa.directory"]
        cls.india = cls.env.ref("base.in")
        cls.kenya = cls.env.ref("base.ke")
        cls.bank = cls._create_provider(
            name="Test Bank Ltd.", code="TBANK", strategy_id=2, account_rule_id=3
        )
        cls.branch = cls.env["g2p.fa.branch"].create(
            {"provider_id": cls.bank.id, "name": "Main Street", "code": "TBANK000001"}
        )
        cls.other_branch = cls.env["g2p.fa.branch"].create(
            {"provider_id": cls.bank.id, "name": "Market Square", "code": "TBANK000002"}
        )
        cls.mobile_wallet = cls._create_provider(
            name="Test Mobile Money",
            code="TMOBI",
            fa_type="mobile_wallet",
            strategy_id=4,
            account_rule_id=5,
        )
        cls.email_wallet = cls._create_provider(
            name="Test Mail Wallet",
            code="TMAIL",
            fa_type="email_wallet",
            strategy_id=3,
            account_rule_id=7,
        )
        cls.plain_bank = cls._create_provider(name="Plain Bank", code="TPLAIN", strategy_id=101)

    @classmethod
    def _strategy(cls, code):
        return cls.env.ref(f"g2p_spar_fa_directory.g2p_fa_strategy_{code}")

    @classmethod
    def _create_provider(cls, **values):
        """Create a provider in India; strategy and rule are given by their published codes."""
        values = {"fa_type": "bank", "country_id": cls.india.id, **values}
        if code := values.get("strategy_id"):
            values["strategy_id"] = cls._strategy(code).id
        if code := values.get("account_rule_id"):
            rule = cls.env.ref(f"g2p_spar_fa_directory.g2p_fa_account_rule_{code}")
            values["account_rule_id"] = rule.id
        return cls.env["g2p.fa.provider"].create(values)

    @classmethod
    def _create_user(cls, role):
        groups = {
            "public": "base.group_public",
            "portal": "base.group_portal",
            "internal": "base.group_user",
            "viewer": "g2p_spar_fa_directory.group_viewer",
            "officer": "g2p_spar_fa_directory.group_officer",
            "manager": "g2p_spar_fa_directory.group_manager",
        }[role]
        return new_test_user(cls.env, login=f"spar-directory-{role}", groups=groups)

    @contextmanager
    def assertRaisesText(self, exception, pattern):
        """Like assertRaisesRegex, and roll back what the block did, as Odoo's assertRaises."""
        with self.assertRaises(exception) as caught:
            yield caught
        self.assertRegex(str(caught.exception), pattern)

    def _upstream_bank_string(self, **values):
        return UPSTREAM_BANK.format(
            **{
                "account_number": "123456789012",
                "branch_name": "Main Street",
                "branch_code": "TBANK000001",
                "bank_name": "Test Bank Ltd.",
                "bank_code": "TBANK",
                "fa_type": "BANK",
                **values,
            }
        )
