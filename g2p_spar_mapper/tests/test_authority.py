# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import ValidationError

from odoo.addons.g2p_spar_connector.g2p_connect.values import LinkItem, Outcome

from .common import MapperCommon

CONSENT = [{"name": "consent_reference", "value": "C-2026-17"}]


class TestAuthority(MapperCommon):
    """Which IDs a participant may write, and with which consent."""

    # === PATTERNS === #

    def narrow(self, pattern):
        self.institution.id_pattern = pattern

    def test_id_pattern(self):
        self.narrow(r"token:[0-9]{5}@nationalId")
        good, wrong = "token:12345@nationalId", "token:123456@nationalId"
        self.assertEqual(
            self.link(self.banker, (good, self.fa()), (wrong, self.fa())),
            [Outcome.DONE, Outcome.ID_NOT_ALLOWED],
        )
        self.assertFalse(self.mapping(wrong))

    def test_id_pattern_is_for_the_whole_id(self):
        self.narrow("token:1@nationalId|token:2@nationalId")
        ids = ["token:1@nationalId", "token:2@nationalId", "xtoken:1@nationalId"]
        ids += ["token:1@nationalIdx", "token:1@nationalId|token:2@nationalId"]
        outcomes = self.link(self.banker, *((id_, self.fa()) for id_ in ids))
        self.assertEqual(outcomes, [Outcome.DONE] * 2 + [Outcome.ID_NOT_ALLOWED] * 3)

    def test_id_pattern_knows_no_case(self):
        """No more than the IDs themselves: case is no way around it, nor in the way."""
        self.narrow("TOKEN:[a-c]+@nationalId")
        self.assertEqual(self.link(self.banker, ("token:ABC@NATIONALID", self.fa())), ["done"])

    def test_id_pattern_holds_for_all_writes(self):
        id_ = self.id_of(1)
        self.link(self.banker, (id_, self.fa()))
        masked = self.mapping(id_).fa_masked
        self.narrow("token:2@nationalId")
        self.assertEqual(self.update(self.banker, (id_, self.fa("2" * 9))), ["id_not_allowed"])
        self.assertEqual(self.remove(self.banker, (id_, "")), ["id_not_allowed"])
        self.assertEqual(self.mapping(id_).fa_masked, masked)

    def test_id_pattern_is_checked(self):
        for pattern in ("(", "[", r"(?=look)", r"(a)\1", "a" * 10_000):
            with self.subTest(pattern[:10]), self.assertRaisesRegex(ValidationError, "ID pattern"):
                self.narrow(pattern)

    def test_id_pattern_takes_no_time(self):
        """What would keep a backtracking matcher busy for years."""
        self.narrow("(token:(a+)+)+@x")
        id_ = "token:" + "a" * 200 + "@y"
        self.assertEqual(self.link(self.banker, (id_, self.fa())), ["id_not_allowed"])

    # === CONSENT === #

    def with_consent(self, info):
        [outcome] = self.link(self.banker, (self.id_of(1), self.fa()), additional_info=info)
        return outcome

    def test_consent(self):
        self.institution.consent_required = True
        for info in (
            None,
            [],
            "consent_reference",
            {"name": "consent_reference", "value": "C-1"},
            [{"name": "other", "value": "C-1"}],
            [{"name": "consent_reference"}],
            [{"name": "consent_reference", "value": ""}],
            [{"name": "consent_reference", "value": "  "}],
            [{"name": "consent_reference", "value": True}],
            [{"name": "consent_reference", "value": {"a": 1}}],
            [{"consent_reference": "C-1"}],
            [[], 7, None],
        ):
            with self.subTest(info=info):
                self.assertEqual(self.with_consent(info), Outcome.ADDITIONAL_INFO_INVALID)
        self.assertFalse(self.mapping(self.id_of(1)))
        self.assertEqual(self.with_consent([{"name": "other", "value": 1}, *CONSENT]), "done")

    def test_refused_without_consent(self):
        """The item alone, with its ID and FA as they came, and on record."""
        self.institution.consent_required = True
        self.spooled()
        items = [
            LinkItem("r1", self.id_of(1), self.fa()),
            LinkItem("r2", self.id_of(2), self.fa(), additional_info=CONSENT),
        ]
        refused, done = self.mapper.link_items(self.banker, items)
        self.assertEqual(
            (refused.id, refused.fa, refused.message),
            (self.id_of(1), self.fa(), "additional_info: consent_reference is missing"),
        )
        self.assertEqual(done.outcome, Outcome.DONE)
        [record] = self.spooled()
        self.assertEqual(record["refusals"], "additional_info_invalid: 1")

    def test_consent_is_for_links(self):
        self.link(self.banker, (self.id_of(1), self.fa()))
        self.institution.consent_required = True
        pair = (self.id_of(1), self.fa("2" * 9))
        self.assertEqual(self.update(self.banker, pair), ["done"])
        self.assertEqual(self.remove(self.banker, (self.id_of(1), "")), ["done"])

    def test_others_need_no_consent(self):
        self.institution.consent_required = True
        for actor in (self.other_banker, self.person, self.staff):
            id_ = self.id_of(hash(actor))
            fa = self.fa(code="OTHB")
            self.assertEqual(self.link(actor, (id_, fa)), ["done"])

    # === ALIKE === #

    def test_refusals_do_not_tell_why(self):
        """ID out of scope, written by another, written by the person, suspended: one text."""
        self.link(self.other_banker, (self.id_of(1), self.fa(code="OTHB")))
        self.link(self.person, (self.id_of(2), self.fa()))
        self.link(self.banker, (self.id_of(3), self.fa()), (self.id_of(4), self.fa()))
        self.suspend(self.id_of(3))
        self.narrow(r"token:[1-3]@nationalId")
        items = [LinkItem(str(n), self.id_of(n), self.fa("2" * 9)) for n in range(1, 5)]
        results = self.mapper.update_items(self.banker, items)
        told = {(result.outcome, result.message) for result in results}
        self.assertEqual(told, {(Outcome.ID_NOT_ALLOWED, None)})
