# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import time

from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import errors

from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tools import SQL, mute_logger

from ..financial_address import FaError, FinancialAddress
from .common import PROPERTY, DirectoryCommon
from .test_financial_address import PUBLISHED

WALLET = ".wallet_provider_name:{name}.wallet_provider_code:{code}.fa_type:{fa_type}"
MOBILE_STRING = "mobile_number:9876543210" + WALLET.format(
    name="Test Mobile Money", code="TMOBI", fa_type="MOBILE_WALLET"
)
EMAIL_STRING = "email_address:jane.doe@example.org" + WALLET.format(
    name="Test Mail Wallet", code="TMAIL", fa_type="EMAIL_WALLET"
)
BRIDGE_STRING = (
    "account_number:123456789012.branch_code:TBANK000002.bank_code:TBANK"
    ".mobile_number:.email_address:.fa_type:BANK_ACCOUNT"
)


class TestFaDirectoryParse(DirectoryCommon):
    def _parse(self, string):
        (result,) = self.directory.parse_fas([string])
        return result

    def assertRefused(self, string, message):
        result = self._parse(string)
        self.assertIsInstance(result, FaError)
        self.assertRegex(result.message, f"^{message}")

    def assertOpaque(self, string, problem):
        result = self._parse(string)
        self.assertEqual(result, FinancialAddress(string, problem=problem))

    def assertKnown(self, string, provider, number, **expected):
        result = self._parse(string)
        self.assertIsInstance(result, FinancialAddress, result)
        self.assertEqual(
            (result.string, result.provider_id, result.number), (string, provider.id, number)
        )
        for name, value in expected.items():
            self.assertEqual(getattr(result, name), value, name)

    # === KNOWN ADDRESSES === #

    def test_upstream_bank(self):
        self.assertKnown(
            self._upstream_bank_string(),
            self.bank,
            "123456789012",
            fa_type="bank",
            provider_code="TBANK",
            provider_name="Test Bank Ltd.",
            branch_id=self.branch.id,
            branch_code="TBANK000001",
            branch_name="Main Street",
            strategy_id=self._strategy(2).id,
            strategy_code=2,
            problem=None,
            masked="TBANK ••••9012",
        )

    def test_parts(self):
        parts = self._parse(BRIDGE_STRING).parts
        self.assertEqual(
            dict(parts),
            {
                "account_number": "123456789012",
                "branch_code": "TBANK000002",
                "bank_code": "TBANK",
            },
        )

    def test_g2p_bridge_bank(self):
        self.assertKnown(
            BRIDGE_STRING,
            self.bank,
            "123456789012",
            branch_id=self.other_branch.id,
            strategy_code=5,
        )

    def test_upstream_wallets(self):
        self.assertKnown(
            MOBILE_STRING,
            self.mobile_wallet,
            "9876543210",
            fa_type="mobile_wallet",
            branch_id=None,
            strategy_code=4,
        )
        self.assertKnown(
            EMAIL_STRING,
            self.email_wallet,
            "jane.doe@example.org",
            fa_type="email_wallet",
            strategy_code=3,
            masked="TMAIL j•••@e•••.org",
        )

    def test_forms_of_the_standard(self):
        self.assertKnown("account:123@TPLAIN", self.plain_bank, "123", strategy_code=101)
        self.assertKnown("mobile:9876543210@TMOBI", self.mobile_wallet, "9876543210")

    def test_codes_are_compared_without_case(self):
        self.assertKnown("account:123@tplain", self.plain_bank, "123", provider_code="TPLAIN")
        self.assertKnown(
            self._upstream_bank_string(branch_code="tbank000001"),
            self.bank,
            "123456789012",
            branch_code="TBANK000001",
        )

    def test_ways_to_write_the_kind_of_account(self):
        for token in ("BANK", "BANK_ACCOUNT", "bank", "Bank_Account"):
            self.assertKnown(self._upstream_bank_string(fa_type=token), self.bank, "123456789012")

    def test_branch_of_a_bank_without_branches_on_record(self):
        self.assertKnown(
            self._upstream_bank_string(bank_code="TPLAIN", branch_code="X1", branch_name="X"),
            self.plain_bank,
            "123456789012",
            branch_id=None,
            branch_code="X1",
            branch_name="X",
        )

    def test_a_string_without_branch_needs_none(self):
        self.assertKnown("account:123456789012@TBANK", self.bank, "123456789012", branch_id=None)

    def test_every_strategy_is_understood_whatever_the_provider_uses(self):
        self.assertEqual(self.bank.strategy_id.code, 2)
        self.assertKnown(BRIDGE_STRING, self.bank, "123456789012", strategy_code=5)

    # === REFUSED === #

    def test_not_well_formed(self):
        for value in ("", "  ", "a\nb", "a" * 513, None, 5, {"fa_type": "BANK"}):
            self.assertRefused(value, "fa: must")

    def test_number_against_the_rule(self):
        self.assertRefused("account:12345678@TBANK", "account_number: must have at least 9")
        self.assertRefused("account:1234567890123456789@TBANK", "account_number: must have at most")
        self.assertRefused("account:12345678X@TBANK", "account_number: does not have the form")
        self.assertRefused("mobile:98765@TMOBI", "mobile_number: must have at least 10")
        self.assertRefused(
            EMAIL_STRING.replace("@", "(at)"), "email_address: does not have the form"
        )

    def test_number_is_missing(self):
        self.assertRefused("account:@TPLAIN", "account_number: is missing")
        self.assertRefused("account: @TPLAIN", "account_number: is missing")

    def test_archived_provider_takes_no_addresses(self):
        self.bank.active = False
        self.assertRefused("account:123456789012@TBANK", "bank_code: provider archived")
        self.mobile_wallet.active = False
        self.assertRefused(MOBILE_STRING, "wallet_provider_code: provider archived")

    def test_unknown_branch(self):
        self.assertRefused(
            self._upstream_bank_string(branch_code="OTHER"), "branch_code: is not a branch"
        )
        self.assertRefused(self._upstream_bank_string(branch_code=""), "branch_code: is required")

    def test_branch_of_another_bank(self):
        self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "Elsewhere", "code": "TPLAIN1"}
        )
        self.assertRefused(
            self._upstream_bank_string(branch_code="TPLAIN1"), "branch_code: is not a branch"
        )

    def test_archived_branch(self):
        self.branch.active = False
        self.assertRefused(self._upstream_bank_string(), "branch_code: branch archived")
        self.other_branch.active = False
        self.assertRefused(self._upstream_bank_string(), "branch_code: branch archived")

    def test_kind_of_account_contradicts_the_provider(self):
        self.assertRefused(self._upstream_bank_string(fa_type="MOBILE_WALLET"), "fa_type: ")
        self.assertRefused(self._upstream_bank_string(fa_type="VOUCHER"), "fa_type: ")
        self.assertRefused("account:9876543210@TMOBI", "fa_type: ")
        self.assertRefused("mobile:9876543210@TBANK", "fa_type: ")

    def test_refusals_never_repeat_the_number(self):
        for string in (
            "account:4444X444@TBANK",
            "mobile:44444@TMOBI",
            self._upstream_bank_string(account_number="44444444", branch_code="44444"),
        ):
            self.assertNotIn("4444", self._parse(string).message)

    # === OPAQUE === #

    def test_no_strategy_fits(self):
        self.assertOpaque("joeuser@national-bank", "no strategy fits")
        self.assertOpaque("ACCOUNT:123@TPLAIN", "no strategy fits")

    def test_unknown_provider(self):
        self.assertOpaque("account:123@no-such-bank", "unknown provider code")
        self.assertOpaque("account:123@", "unknown provider code")
        self.assertOpaque("account:123@TPLAİN", "unknown provider code")

    def test_code_in_several_countries(self):
        self._create_provider(name="Abroad", code="TPLAIN", country_id=self.kenya.id)
        self.assertOpaque("account:123@TPLAIN", "ambiguous")

    def test_code_in_several_countries_of_several_kinds(self):
        abroad = self._create_provider(
            name="Abroad", code="TPLAIN", country_id=self.kenya.id, fa_type="mobile_wallet"
        )
        self.assertKnown("account:123@TPLAIN", self.plain_bank, "123")
        self.assertKnown("mobile:123@TPLAIN", abroad, "123")

    def test_archived_namesake_makes_it_ambiguous_too(self):
        """Otherwise an address at the archived bank would turn into one at the other."""
        abroad = self._create_provider(name="Abroad", code="TPLAIN", country_id=self.kenya.id)
        abroad.active = False
        self.assertOpaque("account:123@TPLAIN", "ambiguous")

    def test_archived_strategy_is_not_tried(self):
        strategy = self._strategy(101)
        self.env["g2p.fa.provider"].search([("strategy_id", "=", strategy.id)]).strategy_id = False
        strategy.active = False
        self.assertOpaque("account:123@TPLAIN", "no strategy fits")

    def test_strategies_are_tried_in_order_until_a_provider_is_known(self):
        first = self.env["g2p.fa.strategy"].create(
            {
                "name": "First",
                "code": 100,
                "construct_pattern": "account:{account_number}@{branch_code}.{bank_code}",
            }
        )
        self.assertKnown("account:123@X1.TPLAIN", self.plain_bank, "123", strategy_id=first.id)
        dotted = self._create_provider(name="Dotted", code="abc.TDOT")
        self.assertKnown("account:123@abc.TDOT", dotted, "123", strategy_code=101)
        self._create_provider(name="Undotted", code="TDOT", country_id=self.kenya.id)
        self.assertEqual(self._parse("account:123@abc.TDOT").strategy_code, 100)

    # === ALL OF THEM === #

    def test_published_strings_parse(self):
        for string in PUBLISHED:
            self.assertTrue(self._parse(string).is_opaque, string)

    def test_order_is_kept(self):
        strings = [
            "account:123@TPLAIN",
            "",
            "joeuser@national-bank",
            "account:1@TBANK",
            "account:123@TPLAIN",
        ]
        results = self.directory.parse_fas(strings)
        self.assertEqual(
            [getattr(result, "string", result) for result in results],
            [
                "account:123@TPLAIN",
                FaError("fa: must not be empty"),
                "joeuser@national-bank",
                FaError("account_number: must have at least 9 characters"),
                "account:123@TPLAIN",
            ],
        )
        self.assertEqual(results[0], results[4])

    def test_nothing_to_parse(self):
        self.assertEqual(self.directory.parse_fas([]), [])

    def test_pending_changes_count(self):
        self.bank.code = "TCHANGED"
        self.assertKnown("account:123456789012@TCHANGED", self.bank, "123456789012")
        self.branch.code = "B9"
        self.assertKnown(
            self._upstream_bank_string(bank_code="TCHANGED", branch_code="B9"),
            self.bank,
            "123456789012",
            branch_id=self.branch.id,
        )

    def test_statements_do_not_depend_on_the_number_of_strings(self):
        def strings(count):
            kinds = (
                lambda n: self._upstream_bank_string(account_number=f"{n:012}"),
                lambda n: BRIDGE_STRING.replace("123456789012", f"{n:012}"),
                lambda n: f"mobile:{n:010}@TMOBI",
                lambda n: f"account:{n}@unknown{n}",
                lambda n: self._upstream_bank_string(branch_code=f"B{n}"),
                lambda n: f"opaque{n}",
            )
            return [kinds[n % len(kinds)](n) for n in range(count)]

        self.env.flush_all()
        counts = {}
        for count in (1, 100, 5000):
            items = strings(count)
            self.directory.parse_fas(items[:1])
            before = self.env.cr.sql_log_count
            results = self.directory.parse_fas(items)
            counts[count] = self.env.cr.sql_log_count - before
            self.assertEqual(len(results), count)
        self.assertEqual(counts, {1: 2, 100: 2, 5000: 2})
        self.env.registry.clear_cache()
        with self.assertQueryCount(4):
            self.directory.parse_fas(strings(100))

    def test_hostile_strings_are_quick(self):
        hostile = [
            piece * (100_000 // len(piece))
            for piece in ("account_number:", ".branch_name:", "a", "account:@", "\x00", "é")
        ]
        limit = [text[:512] for text in hostile]
        start = time.perf_counter()
        self.directory.parse_fas(hostile * 10 + limit * 100)
        self.assertLess(time.perf_counter() - start, 2)

    @mute_logger("odoo.tests.common")
    def test_a_failing_statement_is_not_logged(self):
        """PostgreSQL's errors quote the statement, and Odoo would log it with its parameters."""
        for table in ("g2p_fa_provider", "g2p_fa_branch"):
            with (
                self.subTest(table),
                self.assertNoLogs("odoo.sql_db", "WARNING"),
                self.assertRaises(errors.UndefinedTable),
                self.cr.savepoint(),
            ):
                names = SQL.identifier(table), SQL.identifier(f"gone_{table}")
                self.env.cr.execute(SQL("ALTER TABLE %s RENAME TO %s", *names))
                self.directory.parse_fas([self._upstream_bank_string()])

    @PROPERTY
    @given(st.lists(st.one_of(st.text(max_size=600), st.none(), st.integers()), max_size=5))
    def test_any_text_is_answered(self, values):
        results = self.directory.parse_fas(values)
        self.assertEqual(len(results), len(values))
        for value, result in zip(values, results, strict=True):
            if isinstance(result, FinancialAddress):
                self.assertEqual(result.string, value)
            else:
                self.assertTrue(result.message)

    @PROPERTY
    @given(st.data())
    def test_near_misses_are_answered(self, data):
        """Texts made of the pieces that strategies look for."""
        pieces = [literal for s in self.env["g2p.fa.strategy"]._fa_strategies()
                  for literal in s.pattern.literals]  # fmt: skip
        pieces += ["TBANK", "TMOBI", "TMAIL", "TBANK000001", "BANK", "1234567890", "'", "%s", "{}"]
        string = data.draw(st.lists(st.sampled_from(pieces), max_size=15).map("".join))
        result = self._parse(string)
        if isinstance(result, FinancialAddress) and not result.is_opaque:
            self.assertEqual(result.string, string)
            self.assertTrue(result.number)


class TestFaDirectoryConstruct(DirectoryCommon):
    def _construct(self, provider, number, branch=None):
        return self.directory.construct_fa(provider, number, branch)

    def assertRefused(self, message, *arguments):
        result = self._construct(*arguments)
        self.assertIsInstance(result, FaError)
        self.assertRegex(result.message, f"^{message}")

    def test_bank(self):
        address = self._construct(self.bank, "123456789012", self.branch)
        self.assertEqual(address.string, self._upstream_bank_string())
        self.assertEqual(address, self.directory.parse_fas([address.string])[0])
        self.assertEqual(address.branch_id, self.branch.id)

    def test_wallets(self):
        self.assertEqual(self._construct(self.mobile_wallet, "9876543210").string, MOBILE_STRING)
        self.assertEqual(
            self._construct(self.email_wallet, "jane.doe@example.org").string, EMAIL_STRING
        )

    def test_form_of_the_standard(self):
        self.assertEqual(self._construct(self.plain_bank, "12345").string, "account:12345@TPLAIN")

    def test_bridge_form(self):
        self.bank.strategy_id = self._strategy(5)
        address = self._construct(self.bank, "123456789012", self.other_branch)
        self.assertEqual(address.string, BRIDGE_STRING)

    def test_number_against_the_rule(self):
        self.assertRefused("account_number: must have at least 9", self.bank, "1", self.branch)
        self.assertRefused("account_number: is missing", self.plain_bank, "")
        self.assertRefused("fa: must consist of printable", self.plain_bank, "12\n3")
        self.assertRefused("fa: must not be longer", self.plain_bank, "1" * 600)

    def test_value_that_could_not_be_found_again(self):
        self.assertRefused("account_number: must not contain", self.plain_bank, "1@2")
        self.bank.name = "A.bank_code:B"
        self.assertRefused("bank_name: must not contain", self.bank, "123456789012", self.branch)

    def test_branches(self):
        self.assertRefused("branch_code: is required", self.bank, "123456789012")
        self.assertRefused(
            "branch_code: is not a branch", self.plain_bank, "123456789012", self.branch
        )
        self.branch.active = False
        self.assertRefused("branch_code: branch archived", self.bank, "123456789012", self.branch)

    def test_provider(self):
        self.plain_bank.active = False
        self.assertRefused("bank_code: provider archived", self.plain_bank, "12345")
        self.bank.strategy_id = False
        self.assertRefused("provider: has no strategy", self.bank, "123456789012")

    def test_ambiguous_provider(self):
        self._create_provider(name="Abroad", code="TPLAIN", country_id=self.kenya.id)
        self.assertRefused("provider: .*ambiguous", self.plain_bank, "12345")

    def test_other_strategy_reads_it_first(self):
        self.env["g2p.fa.strategy"].create(
            {
                "name": "Greedy",
                "code": 50,
                "construct_pattern": "acc{account_number}@{bank_code}",
            }
        )
        self.assertRefused("provider: .*another strategy", self.plain_bank, "12345")

    def test_user_without_rights_on_the_directory(self):
        """The mapper calls this for users and participants who see no directory."""
        user = self._create_user("portal")
        directory = self.directory.with_user(user)
        address = directory.construct_fa(self.plain_bank.with_user(user), "12345")
        self.assertEqual(address.provider_id, self.plain_bank.id)
        self.assertEqual(directory.parse_fas([address.string]), [address])

    @PROPERTY
    @given(st.data())
    def test_what_is_constructed_parses_to_the_same(self, data):
        provider, branch = data.draw(
            st.sampled_from(
                [
                    (self.bank, self.branch),
                    (self.plain_bank, None),
                    (self.mobile_wallet, None),
                    (self.email_wallet, None),
                ]
            )
        )
        number = data.draw(
            st.one_of(
                st.text(max_size=30),
                st.text("0123456789", min_size=9, max_size=18),
                st.from_regex(r"[a-z.]{1,20}@[a-z]{1,9}\.org", fullmatch=True),
            )
        )
        address = self._construct(provider, number, branch)
        if isinstance(address, FaError):
            self.assertIn(":", address.message)
            return
        self.assertEqual((address.provider_id, address.number), (provider.id, number))
        self.assertEqual(self.directory.parse_fas([address.string]), [address])


class TestFaDirectoryConstructGiven(DirectoryCommon):
    """Addresses by a strategy that the caller names, for peers that send parts."""

    def _parts(self, **values):
        return {
            "account_number": "123456789",
            "bank_code": "TBANK",
            "bank_name": "Any Name",
            "branch_code": "TBANK000001",
            "branch_name": "",
            **values,
        }

    def _construct(self, code, fa_type, listed=True, **values):
        [made] = self.directory.construct_fas([(code, fa_type, self._parts(**values))], listed)
        return made

    def assertRefused(self, field, *arguments, **values):
        made = self._construct(*arguments, **values)
        self.assertIsInstance(made, FaError, made)
        self.assertEqual(made.field, field)

    def test_strings(self):
        for listed in (True, False):
            self.assertEqual(
                self._construct(2, "bank", listed),
                "account_number:123456789.branch_name:.branch_code:TBANK000001.bank_name:Any Name"
                ".bank_code:TBANK.fa_type:BANK",
            )
            self.assertEqual(
                self._construct(101, "bank", listed, branch_code=""), "account:123456789@TBANK"
            )

    def test_refused(self):
        for listed in (True, False):
            self.assertRefused("strategy_id", 999, "bank", listed)
            self.assertRefused("strategy_id", 1, "bank", listed)
            self.assertRefused("fa_type", 4, "bank", listed)
            self.assertRefused("branch_code", 101, "bank", listed)
            self.assertRefused("bank_name", 2, "bank", listed, bank_name="X.bank_code:EVIL")
            self.assertRefused("fa", 2, "bank", listed, bank_name="x" * 600)

    def test_not_on_record(self):
        for field, values in (
            ("bank_code", {"bank_code": "NOBODY"}),
            ("branch_code", {"bank_code": "TPLAIN"}),
        ):
            self.assertRefused(field, 2, "bank", **values)
            self.assertIsInstance(self._construct(2, "bank", False, **values), str)

    def test_what_parsing_refuses_is_left_to_those_who_write(self):
        made = self._construct(2, "bank", account_number="12 34")
        self.assertIsInstance(self.directory.parse_fas([made])[0], FaError)

    def test_archived_strategy_makes_strings_to_compare_only(self):
        self.env["g2p.fa.provider"].search([("strategy_id.code", "=", 5)]).strategy_id = False
        self._strategy(5).active = False
        self.assertRefused("strategy_id", 5, "bank")
        self.assertIsInstance(self._construct(5, "bank", False), str)

    def test_statements_do_not_depend_on_the_number(self):
        given = (2, "bank", self._parts())
        for listed in (True, False):  # fills caches
            self.directory.construct_fas([given], listed)
        for size in (1, 100):
            with self.assertQueryCount(2):
                self.directory.construct_fas([given] * size, listed=True)
            with self.assertQueryCount(0):
                self.directory.construct_fas([given] * size)

    @PROPERTY
    @given(st.data())
    def test_what_is_constructed_is_read_as_just_that(self, data):
        pieces = [literal for s in self.env["g2p.fa.strategy"]._fa_strategies()
                  for literal in s.pattern.literals]  # fmt: skip
        text = st.lists(st.sampled_from([*pieces, "1", "a b", "."]), max_size=4).map("".join)
        parts = self._parts(**data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(
            ("account_number", "bank_name", "branch_name"), text))))  # fmt: skip
        code = data.draw(st.sampled_from([2, 5]))
        [made] = self.directory.construct_fas([(code, "bank", parts)], listed=True)
        if isinstance(made, FaError):
            return
        [address] = self.directory.parse_fas([made])
        if isinstance(address, FinancialAddress):
            self.assertEqual(address.strategy_code, code)
            self.assertEqual(address.branch_id, self.branch.id)
            kept = {name: parts[name] for name in address.parts if name in parts}
            self.assertEqual(address.parts | kept, address.parts)


class TestFaDirectoryAccounts(DirectoryCommon):
    """`construct_accounts`: many at once, each as `construct_fa` would have it."""

    def _construct(self, *accounts):
        return self.directory.construct_accounts(accounts)

    def assertRefused(self, message, **account):
        [result] = self._construct({"number": "123456789012", **account})
        self.assertIsInstance(result, FaError, result)
        self.assertRegex(result.message, f"^{message}")
        self.assertNotIn("123456789012", result.message)

    def test_by_record_and_by_code(self):
        by_record = {
            "provider_id": self.bank.id,
            "branch_id": self.branch.id,
            "number": "123456789012",
        }
        by_code = {
            "fa_type": "bank",
            "provider_code": "tbank",
            "branch_code": "tbank000001",
            "number": "123456789012",
        }
        wallet = {
            "fa_type": "mobile_wallet",
            "provider_code": "TMOBI",
            "branch_code": None,
            "number": "9876543210",
        }
        plain = {"provider_id": self.plain_bank.id, "branch_id": False, "number": "12345"}
        made = self._construct(wallet, by_record, plain, by_code)
        expected = self.directory.construct_fa(self.bank, "123456789012", self.branch)
        self.assertEqual(made[1], expected)
        self.assertEqual(made[3], expected)
        self.assertEqual(made[0].string, MOBILE_STRING)
        self.assertEqual(made[2].string, "account:12345@TPLAIN")
        self.assertEqual(self._construct(), [])

    def test_one_refused_harms_no_other(self):
        sound = {"provider_id": self.plain_bank.id, "number": "12345"}
        first, second, third = self._construct(sound, {**sound, "provider_id": 0}, sound)
        self.assertEqual(first, third)
        self.assertEqual(second, FaError("provider_id: is missing"))

    def test_refused_for_its_form(self):
        bank = {"fa_type": "bank", "provider_code": "TBANK"}
        self.assertRefused("provider_id: is missing")
        self.assertRefused("provider_id: must be a database id", provider_id="5")
        self.assertRefused("provider_id: must be a database id", provider_id=True)
        self.assertRefused("branch_id: must be a database id", provider_id=1, branch_id=self.branch)
        self.assertRefused("provider_code: is missing", fa_type="bank", provider_code="")
        self.assertRefused("provider_code: must be a string", fa_type="bank", provider_code=7)
        self.assertRefused("branch_code: must be a string", branch_code=7, **bank)
        self.assertRefused("fa_type: must be one of bank, mobile", provider_code="TBANK")
        self.assertRefused("fa_type: must be one of", fa_type=[], provider_code="TBANK")
        self.assertRefused("iban: is not known", iban="x", **bank)
        self.assertRefused("provider_id: is not known", provider_id=1, **bank)
        for number in (None, "", False):
            self.assertRefused("number: is missing", number=number, **bank)
        self.assertRefused("number: must be a string", number=12345, **bank)

    def test_refused_for_what_is_on_record(self):
        bank = {"fa_type": "bank", "provider_code": "TBANK"}
        own = {"provider_id": self.bank.id}
        self.assertRefused("provider_code: is not on record", fa_type="bank", provider_code="NO")
        self.assertRefused(
            "fa_type: is not the kind", fa_type="mobile_wallet", provider_code="TBANK"
        )
        self.assertRefused("provider_id: there is no such", provider_id=2**31 - 1)
        self.assertRefused("branch_id: there is no such", branch_id=2**31 - 1, **own)
        self.assertRefused("branch_code: is not a branch", branch_code="TBANK9", **bank)
        self.assertRefused("branch_code: is required", **bank)
        foreign = self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "Far", "code": "FAR"}
        )
        self.assertRefused("branch_code: is not a branch", branch_id=foreign.id, **own)
        self.assertRefused("account_number: ", number="12", branch_id=self.branch.id, **own)
        self.branch.active = False
        self.assertRefused("branch_code: branch archived", branch_id=self.branch.id, **own)
        self.bank.active = False
        self.assertRefused("bank_code: provider archived", branch_id=self.other_branch.id, **own)
        self.bank.strategy_id = False
        self.assertRefused("provider: has no strategy", **own)

    def test_two_countries_with_one_code(self):
        self._create_provider(
            name="Other", code="TPLAIN", strategy_id=101, country_id=self.kenya.id
        )
        self.assertRefused("provider_code: several", fa_type="bank", provider_code="TPLAIN")

    def test_statements_do_not_depend_on_the_number(self):
        by_record = {"provider_id": self.bank.id, "branch_id": self.branch.id}
        by_code = {"fa_type": "bank", "provider_code": "TBANK", "branch_code": "TBANK000001"}
        counts = []
        for size in (1, 1, 10, 100, 1000):  # the first fills caches
            accounts = [
                {**kind, "number": f"{123456789000 + number}"}
                for number in range(size)
                for kind in (by_record, by_code)
            ]
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            made = self._construct(*accounts)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertFalse([error for error in made if isinstance(error, FaError)])
        self.assertEqual(len(set(counts[1:])), 1, counts)
        self.assertLessEqual(counts[1], 6)

    def test_nobody_calls_it_over_rpc(self):
        with self.assertRaises(AccessError):
            get_public_method(self.directory, "construct_accounts")

    @PROPERTY
    @given(st.lists(st.text(max_size=25), max_size=5))
    def test_the_same_as_one_by_one(self, numbers):
        accounts = [{"provider_id": self.plain_bank.id, "number": number} for number in numbers]
        alone = [
            self.directory.construct_fa(self.plain_bank, number)
            if number
            else FaError("number: is missing")
            for number in numbers
        ]
        self.assertEqual(self._construct(*accounts), alone)
