# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from odoo.tests import BaseCase, Form, new_test_user

from odoo.addons.g2p_spar_connector.g2p_connect.values import UnlinkItem
from odoo.addons.g2p_spar_connector.secret import digest
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from ..access_spool import AccessSpool
from ..models import g2p_spar_access_log
from .common import MapperCommon


class TestAccessLog(MapperCommon):
    def load(self):
        with patch.object(type(self.env["ir.cron"]), "_commit_progress"):
            self.env["g2p.spar.access.log"]._cron_load_spool()

    def rows(self, domain=()):
        return self.env["g2p.spar.access.log"].search(list(domain), order="id")

    def test_loaded_once_and_found_by_id(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.resolve(self.id_of(1), self.id_of(2))
        before = self.rows()
        self.load()
        [row] = self.rows() - before
        self.assertRecordValues(
            row,
            [
                {
                    "kind": "resolve",
                    "participant_id": self.participant.id,
                    "actor_name": self.participant.name,
                    "purpose": "test",
                    "item_count": 2,
                    "found_count": 1,
                    "shown_count": 1,
                }
            ],
        )
        self.assertIn(row, self.rows([("id_lookup", "=", self.id_of(1))]))
        self.assertNotIn(row, self.rows([("id_lookup", "=", self.id_of(2))]))
        self.load()
        self.assertEqual(self.rows() - before, row)
        self.assertEqual(list(Path(self.spool_dir).iterdir()), [])

    def test_found_by_id_after_its_mapping_is_gone(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        before = self.rows()
        self.resolve(self.id_of(1))
        self.mapper.unlink_items(self.free, [UnlinkItem("1", self.id_of(1))])
        self.link(self.free, (self.id_of(1), self.fa()))
        self.resolve(self.id_of(1))
        self.load()
        found = self.rows([("id_lookup", "=", self.id_of(1))])
        self.assertEqual(found, self.rows([("kind", "=", "resolve")]) - before)
        self.assertEqual(len(found), 2)

    def test_digests_of_an_earlier_release_are_loaded_and_found(self):
        record = {"kind": "resolve", "item_count": 1, "happened_at": "2026-01-01 00:00:00"}
        id_digest = digest("id", id_key(self.id_of(7)))
        self.env["g2p.spar.access.log"].append(record | {"id_digests": id_digest.hex()})
        self.load()
        [row] = self.rows([("id_lookup", "=", self.id_of(7))])
        self.assertEqual(row.happened_at, datetime(2026, 1, 1))

    def test_large_files_are_loaded_in_batches(self):
        limit = 3 * g2p_spar_access_log.RECORD_CHARACTERS
        self.patch(g2p_spar_access_log, "LOAD_BATCH_CHARACTERS", limit)
        inserted = []
        log = self.env.registry["g2p.spar.access.log"]
        insert = log._insert
        self.patch(
            log, "_insert", lambda log, rows: inserted.append(len(rows)) or insert(log, rows)
        )
        self.link(self.free, (self.id_of(1), self.fa()))
        for _message in range(7):
            self.resolve(self.id_of(2))
        self.resolve(*[self.id_of(1)] * 1500)  # 3 000 characters at least
        self.resolve(self.id_of(2))
        before = self.rows()
        self.load()
        self.assertEqual(inserted, [3, 3, 2, 1])
        self.assertEqual((self.rows() - before).mapped("item_count"), [1] * 7 + [1500, 1])

    def test_loader_that_died_after_its_commit(self):
        self.resolve(self.id_of(1))
        [path] = self.spool.take()
        self.env["g2p.spar.access.log"]._load(self.spool, path)
        count = len(self.rows())
        self.load()  # finds the file that the dead loader left
        self.assertEqual(len(self.rows()), count)
        self.assertFalse(path.exists())

    def test_reveal_is_logged(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        user = new_test_user(self.env, "spar-revealer", groups="g2p_spar_mapper.group_show_address")
        env = self.env(user=user)
        wizard = env["g2p.spar.address.reveal"].create(
            {"mapping_id": self.mapping(self.id_of(1)).id, "reason": "the bank called"}
        )
        action = wizard.action_reveal()
        form = Form(env[action["res_model"]].with_context(**action["context"]))
        self.assertEqual((form.id_value, form.fa), (self.id_of(1), self.fa()))
        row = self.rows([("kind", "=", "reveal")])[-1]
        self.assertEqual((row.purpose, row.user_id), ("the bank called", user.id))

    def test_purged_by_age(self):
        self.resolve(self.id_of(1))
        self.load()
        self.env.cr.execute("UPDATE g2p_spar_access_log SET happened_at = '2020-01-01'")
        self.env["g2p.spar.access.log"]._gc_old()
        self.assertFalse(self.rows())


def _append_forever(directory, number):
    spool, serial = AccessSpool(directory), 0
    while True:
        spool.append({"writer": number, "serial": serial})
        serial += 1


class TestAccessSpool(BaseCase):
    def test_killed_writers_lose_nothing_and_lines_stay_whole(self):
        directory = tempfile.mkdtemp(prefix="spar-spool-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        context = multiprocessing.get_context("fork")
        writers = [
            context.Process(target=_append_forever, args=(directory, number), daemon=True)
            for number in range(3)
        ]
        for writer in writers:
            writer.start()
        spool, serials = AccessSpool(directory), {0: [], 1: [], 2: []}

        def load():
            for path in spool.take():
                for record in spool.records(path):
                    serials[record["writer"]].append(record["serial"])
                path.unlink()

        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            load()
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
        load()
        for number, seen in serials.items():
            with self.subTest(writer=number):
                self.assertGreater(len(seen), 10)
                self.assertEqual(sorted(seen), list(range(len(seen))))

    def test_a_record_cut_short_harms_no_other(self):
        directory = tempfile.mkdtemp(prefix="spar-spool-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        spool = AccessSpool(directory)
        spool.append({"number": 1})
        with spool.path.open("ab") as file:
            file.write(b'\n{"numb')
        spool.append({"number": 2})
        [path] = spool.take()
        self.assertEqual([record["number"] for record in spool.records(path)], [1, 2])

    def test_files_are_private(self):
        directory = tempfile.mkdtemp(prefix="spar-spool-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        spool = AccessSpool(Path(directory, "deep", "er"))
        spool.append({})
        self.assertEqual(spool.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(spool.directory.stat().st_mode & 0o777, 0o700)
