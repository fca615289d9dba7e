# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.g2p_spar_connector.secret import digest
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .g2p_spar_mapping import ACTOR_KINDS, CHANNELS

OPERATIONS = [
    ("link", "Link"),
    ("update", "Update"),
    ("unlink", "Unlink"),
    ("suspend", "Suspend"),
    ("reactivate", "Reactivate"),
    ("erase", "Erase"),
    ("maintenance", "Maintenance"),
]


class G2pSparMappingEvent(models.Model):
    """History of mappings, append-only: who, when, through what, why; addresses masked.

    Plain ids and copied names instead of relations: a foreign key would turn the deletion of the
    other record into an UPDATE here. No field may ever have a default: Odoo would fill the column
    of existing rows with an UPDATE. Triggers refuse UPDATE, DELETE and TRUNCATE unless the
    transaction has set ``spar.maintenance`` to a reason, which leaves an event of its own.

    ``id_digest``, ``old_fa_digest`` and ``new_fa_digest`` are HMAC-SHA256 (32 bytes) of the ID key
    and of the address keys, made with the key whose id is in ``digest_key_id``.
    """

    _name = "g2p.spar.mapping.event"
    _inherit = "g2p.spar.large.table"
    _description = "Mapping History"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _rec_name = "operation"
    _searchable_fields = frozenset(
        {"id", "id_lookup", "mapping_id", "message_id", "operation", "channel", "happened_at"}
    )

    mapping_id = fields.Integer("Mapping Database ID", readonly=True)
    operation = fields.Selection(OPERATIONS, required=True, readonly=True)
    id_masked = fields.Char("Beneficiary ID", readonly=True)
    id_lookup = fields.Char(
        "Whole ID", compute="_compute_id_lookup", search="_search_id_lookup", store=False
    )
    id_digest = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)
    old_fa_masked = fields.Char("Old Address", readonly=True)
    old_fa_digest = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)
    new_fa_masked = fields.Char("New Address", readonly=True)
    new_fa_digest = fields.Binary(attachment=False, readonly=True, groups=fields.NO_ACCESS)
    digest_key_id = fields.Char(readonly=True)
    actor_kind = fields.Selection(ACTOR_KINDS, "Actor", required=True, readonly=True)
    actor_name = fields.Char("Who", readonly=True)
    participant_id = fields.Integer("Participant Database ID", readonly=True)
    user_id = fields.Integer("User Database ID", readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    reason = fields.Char(readonly=True)
    message_id = fields.Integer("Message Database ID", readonly=True)
    happened_at = fields.Datetime("When", required=True, readonly=True)

    _mapping_idx = models.Index("(mapping_id, id)")
    _id_digest_idx = models.Index("(id_digest)")
    _operation_idx = models.Index("(operation, id)")
    _channel_idx = models.Index("(channel, id)")
    _happened_at_idx = models.Index("USING brin (happened_at)")
    _message_idx = models.Index("(message_id) WHERE message_id IS NOT NULL")

    @api.depends("operation", "id_masked")
    def _compute_display_name(self):
        labels = dict(OPERATIONS)
        for event in self:
            event.display_name = f"{labels[event.operation]} {event.id_masked or ''}".strip()

    def _compute_id_lookup(self):
        self.id_lookup = False

    def _search_id_lookup(self, operator, value):
        """Events of a whole ID, also after its mapping is gone."""
        if operator not in ("=", "in"):
            raise UserError(self.env._("Search for a whole ID."))
        values = [value] if isinstance(value, str) else value
        digests = [digest("id", id_key(item)) for item in values if isinstance(item, str)]
        query = SQL("SELECT id FROM g2p_spar_mapping_event WHERE id_digest = ANY(%s)", digests)
        return [("id", "in", query)]

    def init(self):
        self.env.cr.execute(TRIGGERS)

    @api.private
    def ever_linked(self, ids):
        """Which of these IDs have a history, in one statement.

        :param list[str] ids:
        :rtype: set[str]
        """
        digests = {value: digest("id", id_key(value)) for value in ids}
        self.env.cr.execute(
            "SELECT DISTINCT id_digest FROM g2p_spar_mapping_event WHERE id_digest = ANY(%s)",
            (list(digests.values()),),
        )
        found = {bytes(row[0]) for row in self.env.cr.fetchall()}
        return {value for value, value_digest in digests.items() if value_digest in found}

    @api.private
    @contextmanager
    def maintenance(self, reason):
        """Change history within the block, and say so in it. Migrations and erasure only.

        :param str reason: why; kept in the event that this leaves behind.
        """
        self.env.cr.execute(
            SQL(
                """SELECT set_config('spar.maintenance', %(reason)s, true);
                INSERT INTO g2p_spar_mapping_event
                    (operation, actor_kind, actor_name, user_id, channel, reason, happened_at)
                VALUES ('maintenance', 'system', %(login)s, %(uid)s, 'back_office', %(reason)s,
                    now() AT TIME ZONE 'UTC')""",
                reason=reason,
                login=self.env.user.name,
                uid=self.env.uid,
            )
        )
        yield
        self.env.cr.execute("SELECT set_config('spar.maintenance', '', true)")


TRIGGERS = """
CREATE OR REPLACE FUNCTION g2p_spar_mapping_event_append_only() RETURNS trigger AS $$
BEGIN
    IF coalesce(current_setting('spar.maintenance', true), '') = '' THEN
        RAISE EXCEPTION 'the history of mappings is append-only';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER g2p_spar_mapping_event_rows
    BEFORE UPDATE OR DELETE ON g2p_spar_mapping_event
    FOR EACH ROW EXECUTE FUNCTION g2p_spar_mapping_event_append_only();
CREATE OR REPLACE TRIGGER g2p_spar_mapping_event_truncate
    BEFORE TRUNCATE ON g2p_spar_mapping_event
    FOR EACH STATEMENT EXECUTE FUNCTION g2p_spar_mapping_event_append_only();
"""
