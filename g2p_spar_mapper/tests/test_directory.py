# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from unittest.mock import patch

import psycopg2

from odoo.tools import SQL

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect.directory_v2 import LISTINGS, Page

from ..models.g2p_spar_directory import SOURCES
from .test_openg2p_2 import OpenG2P2Common


class TestDirectory(OpenG2P2Common):
    """The directory calls of OpenG2P 2.x, but for HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # whatever demonstration there is
        cls.env["g2p.fa.provider"].search([]).active = False
        (cls.bank | cls.other_bank | cls.wallet | cls.mail).active = True
        cls.other_bank.mnemonic = "Other"
        branches = cls.env["g2p.fa.branch"]
        cls.branches = cls.branch | branches.create(
            [
                {
                    "provider_id": cls.other_bank.id,
                    "name": f"Branch {number:02}",
                    "code": f"othb00{99 - number}",
                    "mnemonic": f"M{number}",
                }
                for number in range(20)
            ]
        )
        cls.archived_branch = branches.create(
            {"provider_id": cls.other_bank.id, "name": "Gone", "code": "GONE", "active": False}
        )
        cls.gone_bank = cls.env["g2p.fa.provider"].create(
            {"name": "Gone Bank", "code": "GONB", "active": False}
        )
        branches.create({"provider_id": cls.gone_bank.id, "name": "Left", "code": "LEFT"})

    def fetch(self, listing, payload=None, participant=None, header=None, **page):
        message = self.message_2("link", **(header or {}))
        body = {"request_payload": payload}
        if page:
            body["pagination_request"] = {"current_page": 1, "page_size": 100, **page}
        message["request_body"] = body
        profile = self.env["g2p.spar.participant"].get_profile((participant or self.openg2p_2).id)
        raw = json.dumps(message).encode()
        status, answer, _headers = self.env["g2p.spar.exchange"].list_directory(
            profile, listing, raw
        )
        return status, json.loads(answer)

    def rows(self, listing, payload=None, **page):
        status, answer = self.fetch(listing, payload, **page)
        self.assertEqual(status, 200, answer)
        body = answer["response_body"]
        self.assertEqual(list(body["response_payload"]), [listing])
        self.pagination = body["pagination_response"]
        return body["response_payload"][listing]

    def test_banks(self):
        self.assertEqual(
            self.rows("banks"),
            [
                {
                    "id": self.other_bank.id,
                    "bank_mnemonic": "Other",
                    "bank_name": "Other Bank",
                    "bank_code": "OTHB",
                },
                {
                    "id": self.bank.id,
                    "bank_mnemonic": "TSTB",
                    "bank_name": "Testing Bank",
                    "bank_code": "TSTB",
                },
            ],
        )
        self.assertEqual(self.pagination, {"number_of_items": 2, "number_of_pages": 1})

    def test_wallets(self):
        wallets = self.rows("wallet_service_providers")
        self.assertEqual(
            wallets[0],
            {
                "id": self.mail.id,
                "sp_mnemonic": "TSTM",
                "sp_name": "Testing Mail",
                "sp_code": "TSTM",
                "wallet_type": "EMAIL_WALLET",
            },
        )
        self.assertEqual([wallet["wallet_type"] for wallet in wallets[1:]], ["MOBILE_WALLET"])
        [wallet] = self.rows("wallet_service_providers", filter_by={"wallet_type": "MOBILE_WALLET"})
        self.assertEqual(wallet["sp_code"], "TSTW")

    def test_branches(self):
        branches = self.rows("branches", {"bank_id": self.other_bank.id})
        self.assertEqual(
            branches[0],
            {
                "id": self.branch.id,
                "branch_mnemonic": "OTHB0001",
                "branch_name": "Main",
                "branch_code": "OTHB0001",
                "bank_id": self.other_bank.id,
            },
        )
        codes = [branch["branch_code"].lower() for branch in branches]
        self.assertEqual(len(codes), 21)
        self.assertEqual(codes, sorted(codes))
        self.assertEqual(self.rows("branches", {"bank_id": None}), branches)
        self.assertEqual(self.rows("branches"), branches)
        for bank_id in (0, -1, self.bank.id, self.wallet.id, self.gone_bank.id, 2**31, 2**63):
            with self.subTest(bank_id=bank_id):
                self.assertEqual(self.rows("branches", {"bank_id": bank_id}), [])
                self.assertEqual(self.pagination, {"number_of_items": 0, "number_of_pages": 0})

    def test_pages_hold_every_row_once(self):
        everything = self.rows("branches")
        for sort_by in ("", *LISTINGS["branches"], "-branch_name", "-bank_id"):
            rows = []
            for current_page in range(1, 6):
                rows += self.rows(
                    "branches", current_page=current_page, page_size=5, sort_by=sort_by
                )
                self.assertEqual(self.pagination, {"number_of_items": 21, "number_of_pages": 5})
            self.assertEqual(len(rows), 21)
            self.assertEqual({row["id"] for row in rows}, {row["id"] for row in everything})
        for current_page in (6, 10**6, 2**63 - 1):
            self.assertEqual(self.rows("branches", current_page=current_page, page_size=5), [])
            self.assertEqual(self.pagination["number_of_items"], 21)

    def test_sort(self):
        names = [row["branch_name"] for row in self.rows("branches", sort_by="branch_name")]
        self.assertEqual(names, sorted(names))
        rows = self.rows("branches", sort_by="-branch_name")
        self.assertEqual([row["branch_name"] for row in rows], names[::-1])

    def test_search(self):
        for text, count in (
            ("bRaNcH 1", 10),
            ("THB008", 10),
            ("M1", 11),
            ("Gone", 0),
            ("%", 0),
            ("_", 0),
            ("'; --", 0),
            ("  main ", 1),
        ):
            with self.subTest(text=text):
                self.assertEqual(len(self.rows("branches", search_text=text)), count)
                self.assertEqual(self.pagination["number_of_items"], count)
        self.assertEqual(len(self.rows("banks", search_text="oth")), 1)

    def test_filter(self):
        for filter_by, count in (
            ({"branch_code": "othb0099"}, 1),
            ({"branch_name": "Branch 07", "bank_id": self.other_bank.id}, 1),
            ({"branch_name": "Branch 07", "bank_id": self.bank.id}, 0),
            ({"branch_mnemonic": "OTHB0001"}, 1),
            ({"branch_code": "%"}, 0),
            ({"id": self.branch.id}, 1),
            ({}, 21),
        ):
            with self.subTest(filter_by=filter_by):
                self.assertEqual(len(self.rows("branches", filter_by=filter_by)), count)

    def test_refused(self):
        for payload, page in (
            ({"bank_id": "1"}, {}),
            ({}, {"sort_by": "code"}),
            ({}, {"page_size": 0}),
            ([], {}),
        ):
            status, answer = self.fetch("branches", payload, **page)
            self.assertEqual(status, 400)
            self.assertEqual(set(answer), {"response_header"})
            self.assertEqual(answer["response_header"]["response_status"], "ERROR")

    def test_participants(self):
        """Any participant; what its profile demands of a header, it demands here too."""
        self.assertEqual(self.fetch("banks", participant=self.participants["openg2p_1"])[0], 200)
        sender = {"sender_app_mnemonic": "free.test"}
        self.assertEqual(self.fetch("banks", participant=self.participant, header=sender)[0], 200)
        old = sender | {"request_timestamp": "2020-01-01T00:00:00Z"}
        status, answer = self.fetch("banks", participant=self.participant, header=old)
        self.assertEqual(status, 200)
        self.assertEqual(
            answer["response_header"]["response_error_code"], "rjct.message_ts.invalid"
        )
        self.assertEqual(answer["response_body"]["response_payload"], {"banks": []})
        with self.assertRaises(SparHttpError):
            self.fetch("banks", header=sender)

    def test_two_statements_a_page(self):
        for listing in LISTINGS:
            for size in (1, 1000):
                with self.assertQueryCount(2):
                    self.env["g2p.spar.directory"].page(listing, Page(page_size=size))

    def test_a_failing_statement_is_not_logged(self):
        broken = SOURCES["banks"]._replace(columns=("nonsense",) * 4)
        with (
            patch.dict(SOURCES, banks=broken),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
            self.assertRaises(psycopg2.Error),
            self.env.cr.savepoint(),
        ):
            self.env["g2p.spar.directory"].page(
                "banks", Page(filter_by={"bank_code": "token:12345@nationalId"})
            )

    def test_a_page_of_a_bank_is_read_from_the_index(self):
        """Also where a country has far more branches: neither all of them nor all of the bank's
        are sorted."""
        self.env.cr.execute(
            """INSERT INTO g2p_fa_branch (provider_id, name, code, active)
            SELECT provider_id, 'B ' || number, 'X' || number, TRUE
            FROM unnest(%s) AS provider_id, generate_series(1, 20000) AS number""",
            ([self.bank.id, self.other_bank.id],),
        )
        self.env.cr.execute("ANALYZE g2p_fa_branch")
        for filter_by in ({}, {"bank_id": self.other_bank.id}):
            with self.subTest(filter_by=filter_by):
                plan = self.plan_of("branches", Page(3, 50, filter_by=filter_by))
                self.assertIn("Index Scan using g2p_fa_branch_code_unique", plan)
                self.assertNotIn("Sort", plan)

    def plan_of(self, listing, page):
        """How PostgreSQL reads the rows of that page."""
        queries = []
        directory = type(self.env["g2p.spar.directory"])
        read_rows = directory._rows

        def watched(model, query):
            queries.append(query)
            return read_rows(model, query)

        with patch.object(directory, "_rows", watched):
            rows, _total = self.env["g2p.spar.directory"].page(listing, page)
        self.assertEqual(len(rows), page.page_size)
        lines = self.env.execute_query(SQL("EXPLAIN %s", queries[-1]))
        return "\n".join(line for (line,) in lines)
