# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import contextlib
from pathlib import Path

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import SQL, config

from odoo.addons.g2p_spar_connector.secret import digest
from odoo.addons.g2p_spar_connector.settings import get_setting
from odoo.addons.g2p_spar_fa_directory.ids import id_key as make_id_key

from ..access_spool import AccessSpool

RETENTION_DAYS = 365
PURGE_BATCH = 10_000
# Characters of mapping ids in memory at once: a minute's file may have hundreds of megabytes.
LOAD_BATCH_CHARACTERS = 4_000_000
RECORD_CHARACTERS = 1_000  # what the rest of a record counts as


class G2pSparAccessLog(models.Model):
    """Who saw addresses, and which writes were refused. No history: purged by age.

    A row per message or view. ``mapping_ids`` are the database ids of the mappings whose details
    were shown. Whose they were is known from history, also when they are gone.
    """

    _name = "g2p.spar.access.log"
    _inherit = "g2p.spar.large.table"
    _description = "Access to Addresses"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _rec_name = "kind"
    _searchable_fields = frozenset({"id", "kind", "participant_id", "happened_at", "id_lookup"})

    kind = fields.Selection(
        [("resolve", "Resolve"), ("refusal", "Refused Writes"), ("reveal", "Address Shown")],
        required=True,
    )
    participant_id = fields.Integer("Participant Database ID")
    user_id = fields.Integer("User Database ID")
    actor_name = fields.Char("Who")
    purpose = fields.Char(help="The reason given, or the transaction of the message.")
    item_count = fields.Integer("Items")
    found_count = fields.Integer("Found")
    shown_count = fields.Integer("Details Shown")
    refusals = fields.Char(help="How many items were refused for which reason.")
    mapping_ids = fields.Text(groups=fields.NO_ACCESS, help="Each with a blank on both sides.")
    id_digests = fields.Binary(
        attachment=False,
        groups=fields.NO_ACCESS,
        help="In rows of earlier releases, in place of the mappings: HMAC-SHA256 digests of the "
        "IDs, 32 bytes each.",
    )
    id_lookup = fields.Char("Whole ID", compute="_compute_id_lookup", search="_search_id_lookup")
    digest_key_id = fields.Char()
    happened_at = fields.Datetime("When", required=True)
    spool_file = fields.Char(groups=fields.NO_ACCESS, help="Where the row came from.")

    _kind_idx = models.Index("(kind, id)")
    _participant_idx = models.Index("(participant_id, id)")
    _happened_at_idx = models.Index("USING brin (happened_at)")
    _spool_file_idx = models.Index("(spool_file) WHERE spool_file IS NOT NULL")

    # === COMPUTE METHODS === #

    def _compute_id_lookup(self):
        self.id_lookup = False

    def _search_id_lookup(self, operator, value):
        """Rows in which the details of a whole ID were shown (reads the whole table)."""
        if operator != "=" or not isinstance(value, str):
            raise UserError(self.env._("Search for a whole ID."))
        key = make_id_key(value)
        self.env.cr.execute(
            """SELECT id FROM g2p_spar_mapping WHERE id_key = %s
            UNION SELECT mapping_id FROM g2p_spar_mapping_event WHERE id_digest = %s""",
            (key, digest("id", key)),
            log_exceptions=False,
        )
        mappings = [packed(row) for row in self.env.cr.fetchall() if row[0]]
        query = SQL(
            """SELECT id FROM g2p_spar_access_log WHERE position(%s in id_digests) > 0
            OR EXISTS (SELECT FROM unnest(%s::text[]) AS mapping
                WHERE position(mapping in mapping_ids) > 0)""",
            digest("id", key),
            mappings,
        )
        return [("id", "in", query)]

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def append(self, record):
        """Spool a row without a database write, from any worker and a read-only transaction.

        :param dict record: fields of this model; ``happened_at`` as ISO 8601 in UTC without zone.
        """
        for name in ("actor_name", "purpose"):
            record[name] = record.get(name) and record[name].replace("\x00", "")
        self._spool().append(record)

    @api.private
    @api.model
    def log_reveal(self, mapping_id, reason):
        """A user is about to see a clear address: say so in the same transaction."""
        self._insert(
            [
                {
                    "kind": "reveal",
                    "user_id": self.env.uid,
                    "actor_name": self.env.user.name,
                    "purpose": reason,
                    "item_count": 1,
                    "found_count": 1,
                    "shown_count": 1,
                    "mapping_ids": packed([mapping_id]),
                    "happened_at": fields.Datetime.to_string(fields.Datetime.now()),
                }
            ]
        )

    @api.model
    @tools.ormcache()
    def _spool(self):
        """The spool of this database, below the setting ``spool_dir`` (default: ``spar_spool`` in
        Odoo's data directory)."""
        directory = get_setting("spool_dir") or Path(config["data_dir"], "spar_spool")
        return AccessSpool(Path(directory, self.env.cr.dbname))

    @api.model
    def _cron_load_spool(self):
        """Load what the workers spooled, each file in one transaction and exactly once."""
        spool = self._spool()
        paths = spool.take()
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(paths))
        for path in paths:
            self._load(spool, path)
            cron._commit_progress(1)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    @api.model
    def _load(self, spool, path):
        # a loader that died after its commit left the file behind
        if self.sudo().search_count([("spool_file", "=", path.name)], limit=1):
            return
        for records in _batches(spool.records(path)):
            self._insert([dict(record, spool_file=path.name) for record in records])

    @api.model
    def _insert(self, records):
        names = [
            "kind", "participant_id", "user_id", "actor_name", "purpose", "item_count",
            "found_count", "shown_count", "refusals", "mapping_ids", "happened_at", "spool_file",
            "digest_key_id", "id_digests",
        ]  # fmt: skip
        rows = [[record.get(name) for name in names] for record in map(_as_stored, records)]
        if rows:
            self.env.cr.execute_values(
                f"INSERT INTO g2p_spar_access_log ({', '.join(names)}) VALUES %s", rows
            )

    @api.autovacuum
    def _gc_old(self):
        """Purge rows past their retention, a batch per call."""
        days = (
            self.env["ir.config_parameter"]
            .sudo()
            .get_param("g2p_spar.access_retention_days", RETENTION_DAYS)
        )
        purged = self.env.execute_query(
            SQL(
                """DELETE FROM g2p_spar_access_log WHERE id IN (
                    SELECT id FROM g2p_spar_access_log
                    WHERE happened_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'
                    ORDER BY id LIMIT %s) RETURNING id""",
                int(days),
                PURGE_BATCH,
            )
        )
        return len(purged), len(purged) == PURGE_BATCH


def packed(mapping_ids):
    """A text in which each id is found with a blank on both sides; None when there are none."""
    return f" {' '.join(map(str, mapping_ids))} " if mapping_ids else None


def _as_stored(record):
    """What an earlier release spooled before an update has digests, in hexadecimal digits."""
    if record.get("id_digests"):
        return record | {"id_digests": bytes.fromhex(record["id_digests"])}
    return record


def _batches(records):
    """Lists of records, none of which takes much more memory than LOAD_BATCH_CHARACTERS."""
    batch, characters = [], 0
    for record in records:
        batch.append(record)
        ids = record.get("mapping_ids") or record.get("id_digests") or ""
        characters += RECORD_CHARACTERS + len(ids)
        if characters >= LOAD_BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
