# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from ..models.g2p_spar_access_token import sha256
from .common import MapperCommon


class TestParticipant(MapperCommon):
    def token(self, participant=None):
        participant = participant or self.participant
        return self.env["g2p.spar.access.token"].issue(participant, ["link", "resolve"])

    def find(self, token):
        return self.env["g2p.spar.access.token"].find(token)

    def test_token_is_kept_as_digest(self):
        token = self.token()
        participant, operations = self.find(token)
        self.assertEqual(participant.id, self.participant.id)
        self.assertEqual(operations, {"link", "resolve"})
        self.assertIsNone(self.find(token + "x"))
        self.env.cr.execute(
            "SELECT t::text FROM g2p_spar_access_token t WHERE participant_id = %s",
            (self.participant.id,),
        )
        [(row,)] = self.env.cr.fetchall()
        self.assertNotIn(token, row)
        self.assertIn(sha256(token), row)

    def test_tokens_end(self):
        token = self.token()
        self.participant.rotate_secret()
        self.assertIsNone(self.find(token), "a new secret ends tokens")
        token = self.token()
        self.participant.active = False
        self.assertIsNone(self.find(token), "archiving ends tokens")
        self.participant.active = True
        self.assertIsNone(self.find(token), "they do not come back")
        token = self.token()
        self.env.cr.execute("UPDATE g2p_spar_access_token SET expires_at = '2020-01-01'")
        self.assertIsNone(self.find(token), "time ends tokens")
        self.env["g2p.spar.access.token"]._gc_expired()
        self.assertEqual(self.env["g2p.spar.access.token"].sudo().search_count([]), 0)

    def test_tokens_end_whatever_a_worker_has_cached(self):
        tokens = self.env["g2p.spar.access.token"].sudo()
        for end in (self.participant.rotate_secret, self.participant.action_archive):
            self.token()
            end()
            self.assertFalse(tokens.search([("participant_id", "=", self.participant.id)]))

    def test_token_issued_while_the_secret_changed_is_void(self):
        token = self.token()
        self.env.cr.execute(
            "UPDATE g2p_spar_access_token SET secret_version = secret_version - 1"
            " WHERE participant_id = %s",
            (self.participant.id,),
        )
        self.assertIsNone(self.find(token))

    def test_secret_is_kept_as_digest(self):
        secret = self.participant.rotate_secret()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT p::text FROM g2p_spar_participant p WHERE id = %s", (self.participant.id,)
        )
        [(row,)] = self.env.cr.fetchall()
        self.assertNotIn(secret, row)
        self.assertGreaterEqual(len(secret), 43)  # 256 bits in base64

    def test_profile_follows_changes(self):
        get_profile = self.env["g2p.spar.participant"].get_profile
        self.assertIn("link", get_profile(self.participant.id).authority.operations)
        self.participant.may_link = False
        self.assertNotIn("link", get_profile(self.participant.id).authority.operations)
        self.institution.institution_id = self.other_bank
        authority = get_profile(self.institution.id).authority
        self.assertEqual(authority.institution_id, self.other_bank.id)

    def test_own_institution_needs_one_and_excludes_opaque(self):
        with self.assertRaises(ValidationError):
            self.institution.institution_id = False
        with self.assertRaises(ValidationError):
            self.institution.fa_policy = "opaque"

    def test_a_namespace_that_limits_somebody_stays(self):
        namespace = self.env["g2p.id.namespace"].create({"name": "limiting"})
        self._participant("limited", namespace_ids=[(6, 0, namespace.ids)])
        with (
            self.assertRaises(psycopg2.IntegrityError),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            namespace.unlink()

    def test_ranges(self):
        for values in ({"max_items": 0}, {"max_items": 10_001}, {"token_lifetime": 10}):
            with (
                self.subTest(values),
                self.assertRaises(psycopg2.errors.CheckViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.participant.write(values)

    def test_sender_id_is_unique_whatever_its_case(self):
        with (
            self.assertRaises(psycopg2.errors.UniqueViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self._participant("FREE")

    def test_sender_id_is_ascii_without_blanks(self):
        self.participant.sender_id = "https://a.test/~b?c"
        for sender_id in ("\u0130stanbul.test", "a b", "a\n", "\u00a0"):
            with self.subTest(sender_id), self.assertRaisesRegex(ValidationError, "ASCII"):
                self.participant.sender_id = sender_id

    def test_managers_do_not_write_what_is_the_systems(self):
        manager = new_test_user(self.env, "own", groups="g2p_spar_fa_directory.group_manager")
        participants = self.env["g2p.spar.participant"].with_user(manager)
        record = participants.browse(self.participant.id)
        record.write({"note": "checked"})
        for values in (
            {"client_id": self.institution.client_id},
            {"secret_version": 0},
            {"client_secret_set_at": "2020-01-01"},
            {"jwks_fetched_at": "2999-01-01"},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                record.write(values)
            with self.subTest(values), self.assertRaises(AccessError):
                participants.create({"name": "New", "sender_id": "new.test", **values})
        self.assertTrue(participants.create({"name": "New", "sender_id": "new.test"}).client_id)

    def test_secret_wizard_shows_it_once(self):
        manager = new_test_user(
            self.env, "spar-manager", groups="g2p_spar_fa_directory.group_manager"
        )
        env = self.env(user=manager)
        wizard = env["g2p.spar.participant.secret"].create({"participant_id": self.participant.id})
        action = wizard.action_rotate()
        secret = action["context"]["default_client_secret"]
        self.assertEqual(self.participant.sudo().client_secret_digest, sha256(secret))
        form = Form(env[action["res_model"]].with_context(**action["context"]))
        self.assertEqual(form.client_secret, secret)

    def test_curl_example_names_the_participant(self):
        example = self.participant.curl_example
        self.assertIn(self.participant.client_id, example)
        self.assertIn('"sender_id": "free.test"', example)

    def test_copy_gets_credentials_of_its_own(self):
        copy = self.participant.copy({"sender_id": "copy.test"})
        self.assertNotEqual(copy.client_id, self.participant.client_id)
        self.assertFalse(copy.sudo().client_secret_digest)

    def test_mapper_is_not_uninstalled_while_mappings_exist(self):
        from ..hooks import uninstall_hook  # noqa: PLC0415

        self.link(self.free, (self.id_of(1), self.fa()))
        with self.enter_registry_test_mode(), self.assertRaises(UserError):
            uninstall_hook(self.env)
