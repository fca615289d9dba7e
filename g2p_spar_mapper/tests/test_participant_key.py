# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules.module import get_resource_from_path
from odoo.service.model import call_kw, get_public_method
from odoo.tests import Form, new_test_user
from odoo.tools import file_open, mute_logger

from odoo.addons.g2p_spar_connector import jwks
from odoo.addons.g2p_spar_connector.g2p_connect import jwk, signature

from .common import MapperCommon

BODY = {"header": {"sender_id": "free.test"}, "message": {"x": "SECRET-777"}}
HOUR = timedelta(hours=1)


class KeyCommon(MapperCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = {name: jwk.generate(name) for name in ("RS256", "EdDSA")}
        cls.other = jwk.generate("RS256")
        cls.manager = new_test_user(
            cls.env,
            "key-manager",
            groups="g2p_spar_fa_directory.group_manager,base.group_allow_export",
        )

    def text(self, key):
        return json.dumps(jwk.public_jwk(key))

    def register(self, *keys, participant=None):
        participant = participant or self.participant
        before = participant.key_ids
        participant.register_keys([jwk.from_jwk(jwk.public_jwk(key)) for key in keys])
        return participant.key_ids - before

    def profile_kids(self):
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        return {key.kid for key in profile.public_keys}

    def verify(self, key, dialect="openg2p_1"):
        """A message signed with this key, verified as the API does it."""
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        now = datetime.now(UTC)
        signed = signature.sign(dialect, BODY, key, "free.test", now)
        payload, text = json.loads(signed.raw), signed.headers.get("Signature")
        return signature.verify(dialect, signed.raw, payload, text, profile.public_keys, now)

    def assertRefused(self, what, key, dialect="openg2p_1"):
        with self.assertRaisesRegex(signature.SignatureProblem, what):
            self.verify(key, dialect)


class TestKeys(KeyCommon):
    def test_profile_follows_keys(self):
        self.assertRefused("no registered key", self.ours["RS256"])
        rsa, ed = self.register(self.ours["RS256"], self.ours["EdDSA"]).sorted("algorithm")[::-1]
        self.assertEqual((rsa.algorithm, ed.algorithm), ("RS256", "EdDSA"))
        self.verify(self.ours["RS256"])
        self.verify(self.ours["EdDSA"], "g2p_connect")
        rsa.with_user(self.manager).action_revoke()
        self.assertEqual(rsa.state, "revoked")
        self.assertEqual(rsa.revoked_by_id, self.manager)
        self.assertRefused("not registered", self.ours["RS256"])
        self.verify(self.ours["EdDSA"], "g2p_connect")

    def test_rotation_with_overlap(self):
        [old] = self.register(self.ours["RS256"])
        [new] = self.register(self.other)
        self.verify(self.ours["RS256"])
        self.verify(self.other)
        now = fields.Datetime.now()
        new.with_user(self.manager).not_before = now + HOUR
        self.assertEqual(new.state, "future")
        self.assertRefused("does not hold", self.other)
        new.not_before = False
        old.with_user(self.manager).not_after = now + HOUR
        self.assertEqual(old.state, "ending")
        self.verify(self.ours["RS256"])
        old.not_after = now
        self.assertEqual(old.state, "ended")
        self.assertRefused("not registered", self.ours["RS256"])
        self.verify(self.other)

    def test_validity_ends_without_any_write(self):
        """The profile stays cached meanwhile."""
        [key] = self.register(self.ours["RS256"])
        key.not_after = fields.Datetime.now() + HOUR
        [public] = self.env["g2p.spar.participant"].get_profile(self.participant.id).public_keys
        self.assertTrue(public.is_valid(datetime.now(UTC)))
        self.assertFalse(public.is_valid(datetime.now(UTC) + HOUR))

    def test_a_revoked_key_never_comes_back(self):
        [key] = self.register(self.ours["RS256"])
        with self.assertRaisesRegex(UserError, "registered already"):
            self.register(self.ours["RS256"])
        key.action_revoke()
        revoked_at = key.revoked_at
        with self.assertRaisesRegex(UserError, "revoked"):
            self.register(self.ours["RS256"])
        with patch.object(fields.Datetime, "now", lambda: revoked_at + HOUR):
            key.action_revoke()
        self.assertEqual(key.revoked_at, revoked_at)

    def test_all_workers_hear_of_it_with_the_commit(self):
        [key] = self.register(self.ours["RS256"])
        self.env.cr.execute("SELECT max(id) FROM orm_signaling_default")
        [(before,)] = self.env.cr.fetchall()
        key.action_revoke()
        self.env.cr.execute("SELECT max(id) FROM orm_signaling_default")
        self.assertEqual(self.env.cr.fetchall(), [(before,)])  # a number taken now may be passed
        self.register(self.other).action_revoke()
        self.participant.action_archive()
        self.env.cr.flush()  # as a commit does
        self.env.cr.execute(
            "SELECT count(*) FROM orm_signaling_default WHERE id > %s", [before or 0]
        )
        self.assertEqual(self.env.cr.fetchall(), [(1,)])

    def test_receiver_id_fits_into_a_signature(self):
        settings = self.env["res.config.settings"].create({})
        settings.g2p_spar_receiver_id = "spar.example.org"
        for receiver_id in ('a"b', "a\nb"):
            with self.subTest(receiver_id), self.assertRaisesRegex(ValidationError, "Receiver ID"):
                settings.g2p_spar_receiver_id = receiver_id

    def test_unique_and_in_order(self):
        [key] = self.register(self.ours["RS256"])
        values = key.copy_data()[0] | {"participant_id": self.participant.id}
        with (
            self.assertRaises(psycopg2.errors.UniqueViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            key.create(values | {"fingerprint": key.fingerprint})
        now = fields.Datetime.now()
        with (
            self.assertRaises(psycopg2.errors.CheckViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            key.write({"not_before": now, "not_after": now})
        # another participant may have it: one organisation, two systems
        self.register(self.ours["RS256"], participant=self.institution)

    def test_number_is_limited(self):
        self.patch(jwk, "MAX_KEYS", 1)
        [key] = self.register(self.ours["RS256"])
        limit = self.assertRaisesRegex(ValidationError, "more than 1 keys")
        with limit, self.env.cr.savepoint():
            self.register(self.other)
        key.action_revoke()
        self.register(self.other)

    def test_copies_have_no_keys(self):
        self.register(self.ours["RS256"])
        copy = self.participant.copy({"sender_id": "copy.test"})
        self.assertFalse(copy.key_ids)

    def test_one_statement_more_for_a_cold_profile(self):
        for number in (1, 6):
            while len(self.participant.key_ids) < number:
                self.register(jwk.generate("EdDSA"))
            self.env.registry.clear_cache()
            self.env.invalidate_all()
            count = self.cr.sql_log_count
            self.env["g2p.spar.participant"].get_profile(self.participant.id)
            if number == 1:
                expected = self.cr.sql_log_count - count
        self.assertEqual(self.cr.sql_log_count - count, expected)
        with self.assertQueryCount(0):
            self.env["g2p.spar.participant"].get_profile(self.participant.id)


class TestKeySet(KeyCommon):
    def setUp(self):
        super().setUp()
        self.participant.jwks_url = "https://free.test/jwks.json"
        self.now = fields.Datetime.now()

    def fetch(self, *keys, problem=None, passed_over=(), later=timedelta(0)):
        def fetch(url):
            self.assertEqual(url, "https://free.test/jwks.json")
            if problem:
                raise jwks.JwksProblem(problem)
            public = [jwk.from_jwk(jwk.public_jwk(key)) for key in keys]
            return jwk.KeySet(tuple(public), passed_over)

        with (
            patch.object(jwks, "fetch", fetch),
            patch.object(fields.Datetime, "now", lambda: self.now + later),
        ):
            self.participant.with_user(self.manager).action_fetch_keys()

    def test_keys_come_and_go(self):
        self.fetch(self.ours["RS256"], self.ours["EdDSA"], passed_over=("keys[2]: use: sig.",))
        self.assertEqual(self.participant.jwks_problem, "keys[2]: use: sig.")
        self.assertEqual(set(self.participant.key_ids.mapped("source")), {"jwks"})
        self.verify(self.ours["RS256"])
        self.fetch(self.ours["EdDSA"], self.other)
        self.assertRefused("not registered", self.ours["RS256"])
        self.verify(self.other)
        self.assertFalse(self.participant.jwks_problem)
        self.fetch(self.ours["RS256"])
        self.verify(self.ours["RS256"])
        self.assertRefused("not registered", self.other)
        self.assertEqual(len(self.participant.key_ids), 3)

    def test_problems_keep_the_keys_for_a_while(self):
        self.fetch(self.ours["RS256"])
        self.fetch(problem="free.test: slow", later=timedelta(days=6))
        self.assertEqual(self.participant.jwks_problem, "free.test: slow")
        self.assertEqual(self.participant.jwks_fetched_at, self.now)
        self.assertEqual(self.participant.jwks_tried_at, self.now + timedelta(days=6))
        self.verify(self.ours["RS256"])
        self.fetch(problem="free.test: slow", later=timedelta(days=8))
        self.assertTrue(self.participant.key_ids.gone_at)
        self.fetch(self.ours["RS256"], later=timedelta(days=9))
        self.assertFalse(self.participant.key_ids.gone_at)
        self.assertFalse(self.participant.jwks_problem)

    def test_pasted_and_revoked_ones_stay(self):
        [pasted] = self.register(self.other)
        self.fetch(self.ours["RS256"], self.other)
        self.assertEqual(pasted.source, "pasted")
        fetched = self.participant.key_ids - pasted
        fetched.action_revoke()
        self.fetch(self.ours["RS256"])
        self.assertEqual(fetched.state, "revoked")
        self.assertEqual(self.profile_kids(), {self.other.kid})

    def test_names_and_algorithms_follow(self):
        self.fetch(self.ours["RS256"])
        self.fetch(self.ours["RS256"]._replace(kid="2026", algorithm="PS256"))
        [key] = self.participant.key_ids
        self.assertEqual((key.kid, key.algorithm), ("2026", "PS256"))

    def test_no_address_no_keys(self):
        self.register(self.other)
        self.fetch(self.ours["RS256"])
        self.participant.jwks_url = False
        self.assertEqual(self.profile_kids(), {self.other.kid})

    def test_nothing_new_clears_no_cache(self):
        self.fetch(self.ours["RS256"])
        registry = type(self.env.registry)
        with patch.object(registry, "clear_cache", side_effect=AssertionError):
            self.fetch(self.ours["RS256"])
            self.fetch(problem="free.test: slow")
        with (
            patch.object(registry, "clear_cache", side_effect=AssertionError),
            self.assertRaises(AssertionError),
        ):
            self.fetch(self.other)

    def test_too_many(self):
        self.patch(jwk, "MAX_KEYS", 1)
        self.fetch(self.ours["RS256"])
        self.fetch(self.ours["RS256"], self.other)
        self.assertIn("more than 1 keys", self.participant.jwks_problem)
        self.assertEqual(self.profile_kids(), {self.ours["RS256"].kid})
        # one that is no more among them has ended all the same, and the others do in time
        self.fetch(self.other, self.ours["EdDSA"])
        self.assertEqual(self.profile_kids(), set())
        self.fetch(self.other)
        self.fetch(self.other, self.ours["EdDSA"], later=timedelta(days=8))
        self.assertTrue(all(self.participant.key_ids.mapped("gone_at")))

    def test_keys_of_another_address(self):
        self.fetch(self.ours["RS256"])
        self.participant.jwks_url = "https://free.test/jwks.json"
        self.assertEqual(self.profile_kids(), {self.ours["RS256"].kid})
        self.participant.with_user(self.manager).jwks_url = "https://new.test/"
        self.assertEqual(self.profile_kids(), set())
        self.assertFalse(self.participant.jwks_fetched_at or self.participant.jwks_tried_at)

    def test_job_takes_what_is_due(self):
        fetched = []
        model = type(self.env["g2p.spar.participant"])
        self.env["g2p.spar.participant"].search(
            [("id", "!=", self.participant.id)]
        ).jwks_url = False
        other = self._participant("second", jwks_url="https://second.test/")
        self._participant("third")
        with (
            patch.object(model, "_fetch_key_set", lambda self: fetched.append(self)),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *a, **k: 60),
        ):
            self.participant._note_fetch(self.now, None, "")
            self.env["g2p.spar.participant"]._cron_fetch_keys()
            self.assertEqual(fetched, [other])
            self.participant._note_fetch(self.now - HOUR, None, "")
            self.env["g2p.spar.participant"]._cron_fetch_keys()
            self.assertEqual(fetched[1:], [other, self.participant])
            other.active = False
            self.env["g2p.spar.participant"]._cron_fetch_keys()
            self.assertEqual(fetched[3:], [self.participant])

    def test_job_goes_on_after_an_unexpected_problem(self):
        model = self.env["g2p.spar.participant"]
        model.search([("id", "!=", self.participant.id)]).jwks_url = False
        other = self._participant("second", jwks_url="https://second.test/")

        def fetch(url):
            if "free" in url:
                raise RuntimeError("SECRET-777")
            return jwks.KeySet((jwk.from_jwk(jwk.public_jwk(self.other)),))

        with (
            patch.object(jwks, "fetch", fetch),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *a, **k: 60),
            self.assertLogs("odoo.addons.g2p_spar_mapper", "ERROR") as logs,
        ):
            model._cron_fetch_keys()
        self.assertNotIn("SECRET-777", str(logs.output))
        self.assertEqual(other.key_ids.kid, self.other.kid)
        self.assertIn("Unexpected", self.participant.jwks_problem)
        self.assertTrue(self.participant.jwks_tried_at)

    def test_keys_end_also_where_no_job_runs(self):
        self.fetch(self.ours["RS256"])
        profile = self.env["g2p.spar.participant"].get_profile
        [key] = profile(self.participant.id).public_keys
        self.assertEqual(key.not_after, jwk.utc(self.now + timedelta(days=7)))
        self.fetch(self.ours["RS256"], later=timedelta(days=1))
        [key] = profile(self.participant.id).public_keys
        self.assertEqual(key.not_after, jwk.utc(self.now + timedelta(days=8)))
        self.register(self.other)
        [pasted] = [key for key in profile(self.participant.id).public_keys if not key.not_after]
        self.assertEqual(pasted.kid, self.other.kid)

    def test_addresses(self):
        for url in ("x", "ftp://a.test/", "https://u:p@a.test/", "https://a.test/#f"):
            with self.subTest(url), self.assertRaisesRegex(ValidationError, "Key set"):
                self.participant.jwks_url = url


class TestAddKeys(KeyCommon):
    def form(self):
        action = self.participant.with_user(self.manager).action_add_keys()
        model = self.env[action["res_model"]].with_user(self.manager)
        return Form(model.with_context(**action["context"]))

    def test_paste(self):
        form = self.form()
        form.text = self.text(self.ours["RS256"])
        self.assertIn(jwk.fingerprint(self.ours["RS256"]), form.found)
        form.save().action_add()
        [key] = self.participant.key_ids
        self.assertEqual(key.fingerprint, jwk.fingerprint(self.ours["RS256"]))
        self.assertEqual(key.source, "pasted")

    def test_key_set_and_name(self):
        form = self.form()
        form.text = json.dumps({"keys": [jwk.public_jwk(key) for key in self.ours.values()]})
        form.save().action_add()
        self.assertEqual(len(self.participant.key_ids), 2)
        form = self.form()
        value = jwk.public_jwk(self.other)
        form.text = json.dumps({name: value[name] for name in ("kty", "n", "e")})
        form.kid, form.algorithm = " mine ", "PS256"
        self.assertIn("mine: PS256", form.found)
        form.save().action_add()
        key = self.participant.key_ids.filtered(lambda key: key.kid == "mine")
        self.assertEqual(key.algorithm, "PS256")

    def test_a_private_key_is_not_stored(self):
        secret = jwk.private_bytes(self.ours["EdDSA"]).decode()
        form = self.form()
        form.text = secret
        self.assertIn("private", form.found)
        with self.assertRaisesRegex(ValidationError, "no secret any more"), self.env.cr.savepoint():
            form.save()
        wizard = self.form()
        wizard.text = self.text(self.other)
        record = wizard.save()
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            record.text = secret
        self.env.cr.execute("SELECT w::text FROM g2p_spar_participant_key_add w")
        self.assertNotIn(json.loads(secret)["d"], str(self.env.cr.fetchall()))


class TestSampleCheck(KeyCommon):
    def check(self, raw, text="", dialect=None):
        self.env.invalidate_all()
        action = self.participant.with_user(self.manager).action_verify_sample()
        model = self.env[action["res_model"]].with_user(self.manager)
        form = Form(model.with_context(**action["context"]))
        form.body = raw.decode()
        if dialect:
            form.dialect = dialect
        if form.dialect != "g2p_connect":
            form.signature_header = text
        wizard = form.save()
        shown = wizard.action_check()
        self.assertEqual(shown["res_id"], wizard.id)
        return wizard

    def signed(self, dialect, key):
        signed = signature.sign(dialect, BODY, key, "free.test", datetime.now(UTC))
        return signed.raw, signed.headers.get("Signature")

    def test_it_holds(self):
        self.register(*self.ours.values())
        for dialect in signature.DIALECTS:
            key = self.ours[signature.SIGNING_ALGORITHMS[dialect]]
            raw, text = self.signed(dialect, key)
            wizard = self.check(raw, text, dialect)
            self.assertTrue(wizard.holds, wizard.result)
            self.assertIn(key.kid, wizard.result)
        wizard = self.check(raw + b"\n", dialect=dialect)
        self.assertTrue(wizard.holds)
        raw, text = self.signed("openg2p_1", self.ours["RS256"])
        wizard = self.check(raw, f"Signature: {text}\n", "openg2p_1")
        self.assertTrue(wizard.holds)

    def test_it_does_not(self):
        raw, text = self.signed("openg2p_1", self.ours["RS256"])
        wizard = self.check(raw, text, "openg2p_1")
        self.assertFalse(wizard.holds)
        self.assertIn("no registered key", wizard.result)
        [key] = self.register(self.ours["RS256"])
        key.action_revoke()
        self.assertIn("revoked or out of", self.check(raw, text, "openg2p_1").result)

    def test_dialect_is_the_participants(self):
        def dialect():
            wizard = self.env["g2p.spar.signature.check"].new({"participant_id": self.participant})
            return wizard.dialect

        self.assertEqual(dialect(), "g2p_connect")
        self.participant.profile = "openg2p_2"
        self.assertEqual(dialect(), "openg2p_2")
        self.participant.signature_dialect = "openg2p_1"
        self.assertEqual(dialect(), "openg2p_1")

    def test_nothing_readable_is_stored(self):
        self.register(self.ours["RS256"])
        raw, text = self.signed("openg2p_1", self.ours["RS256"])
        wizard = self.check(raw, text, "openg2p_1")
        self.assertEqual(wizard.body.encode(), raw)
        self.env.flush_all()
        self.env.cr.execute("SELECT w::text FROM g2p_spar_signature_check w")
        self.assertNotIn("SECRET-777", str(self.env.cr.fetchall()))


class TestSecurity(KeyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = "g2p_spar_fa_directory.group_"
        cls.users = {
            name: new_test_user(cls.env, f"pkey-{name}", groups=groups)
            for name, groups in (
                ("viewer", f"{directory}viewer"),
                ("officer", f"{directory}officer"),
                ("system", "base.group_system"),
                ("portal", "base.group_portal"),
                ("employee", "base.group_user"),
            )
        }
        cls.users["public"] = cls.env.ref("base.public_user")
        cls.users["api"] = cls.env.ref("g2p_spar_mapper.user_api")
        cls.users["manager"] = cls.manager

    def setUp(self):
        super().setUp()
        self.key = self.register(self.ours["RS256"])

    def rpc(self, user, model, method, *args, **kwargs):
        recordset = self.env[model].with_user(self.users[user])
        get_public_method(recordset, method)
        return call_kw(recordset, method, args, kwargs)

    def test_managers_change_validity_only(self):
        self.rpc("manager", self.key._name, "write", self.key.ids, {"not_after": "2100-01-01"})
        for values in (
            {"public_key": self.text(self.other)},
            {"kid": "x"},
            {"algorithm": "PS256"},
            {"fingerprint": "x"},
            {"participant_id": self.institution.id},
            {"revoked_at": False},
            {"gone_at": False},
            {"not_after": False, "source": "jwks"},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                self.rpc("manager", self.key._name, "write", self.key.ids, values)
        values = self.key.values_of(jwk.from_jwk(jwk.public_jwk(self.other)))
        values |= {"participant_id": self.participant.id, "source": "pasted"}
        with self.assertRaises(AccessError):
            self.rpc("manager", self.key._name, "create", values)
        with self.assertRaises(AccessError):
            self.rpc("manager", self.key._name, "unlink", self.key.ids)
        command = {"key_ids": [(1, self.key.id, {"revoked_at": "2020-01-01", "kid": "x"})]}
        with self.assertRaises(AccessError):
            self.rpc("manager", "g2p.spar.participant", "write", self.participant.ids, command)

    def test_others_change_nothing(self):
        ids = self.participant.ids
        for user in set(self.users) - {"manager"}:
            for model, method, *args in (
                (self.key._name, "write", self.key.ids, {"not_after": "2100-01-01"}),
                (self.key._name, "action_revoke", self.key.ids),
                ("g2p.spar.participant", "action_fetch_keys", ids),
                ("g2p.spar.participant", "write", ids, {"jwks_url": "https://evil.test/"}),
                ("g2p.spar.participant.key.add", "create", {"participant_id": ids[0], "text": "x"}),
                ("g2p.spar.signature.check", "create", {"participant_id": ids[0]}),
            ):
                with (
                    self.subTest(user=user, method=method),
                    self.assertRaises(AccessError),
                ):
                    self.rpc(user, model, method, *args)

    def test_outsiders_read_nothing(self):
        for user in ("portal", "employee", "public", "api", "system"):
            with self.subTest(user), self.assertRaises(AccessError):
                self.rpc(user, self.key._name, "search_read", [], ["kid"])

    def test_dialogs_are_their_users_own(self):
        second = new_test_user(self.env, "key-2", groups="g2p_spar_fa_directory.group_manager")
        for model, values in (
            ("g2p.spar.participant.key.add", {"text": self.text(self.other)}),
            ("g2p.spar.signature.check", {"body": "SECRET-777"}),
        ):
            values["participant_id"] = self.participant.id
            wizard = self.env[model].with_user(self.manager).create(values)
            with self.assertRaises(AccessError):
                wizard.with_user(second).read()
            self.assertFalse(self.env[model].with_user(second).search([]))

    def test_services_are_not_callable(self):
        for model, methods in (
            ("g2p.spar.participant", "register_keys _public_keys _fetch_key_set _create_keys"),
            ("g2p.spar.participant.key", "as_public_key values_of"),
        ):
            for method in methods.split():
                with self.subTest(method), self.assertRaises(AccessError):
                    get_public_method(self.env[model].sudo(), method)

    def test_neutralized(self):
        path = get_resource_from_path(__file__)[0] + "/data/neutralize.sql"
        with file_open(path) as file:
            self.env.cr.execute(file.read())  # pylint: disable=sql-injection
        self.env.invalidate_all()
        self.assertFalse(self.env["g2p.spar.participant.key"].search([]))
        self.assertFalse(self.participant.jwks_url)
