# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import NO_ACCESS

from odoo.addons.g2p_spar_fa_directory.financial_address import FA_TYPES
from odoo.addons.g2p_spar_fa_directory.ids import id_key, mask_id

from .g2p_spar_referenced import WatchedMany2one

CHANNELS = [
    ("api", "API"),
    ("portal", "Portal"),
    ("agent", "Portal, with an Agent"),
    ("back_office", "Back Office"),
    ("import", "Import"),
    ("pbms", "PBMS"),
]
ACTOR_KINDS = [
    ("participant", "Participant"),
    ("beneficiary", "Beneficiary"),
    ("agent", "Agent"),
    ("staff", "Staff"),
    ("system", "System"),
]


class G2pSparMapping(models.Model):
    """The one current ID -> financial address record of a person.

    Rows are written by the service ``g2p.spar.mapper`` alone, in SQL and together with their
    history; no group may create, write or delete them through the ORM. Clear values carry
    ``NO_ACCESS``: they reach neither RPC nor export, grouping or domains.
    """

    _name = "g2p.spar.mapping"
    _inherit = "g2p.spar.large.table"
    _description = "ID to Financial Address Mapping"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _searchable_fields = frozenset({"id", "id_masked", "provider_id", "state", "channel"})

    id_value = fields.Char("Clear ID", required=True, groups=NO_ACCESS)
    id_key = fields.Char("ID Key", required=True, groups=NO_ACCESS)
    id_masked = fields.Char(
        "Beneficiary ID",
        compute="_compute_id_masked",
        search="_search_id_masked",
        compute_sudo=True,
    )
    fa = fields.Char("Clear Financial Address", required=True, groups=NO_ACCESS)
    fa_key = fields.Char("Financial Address Key", required=True, groups=NO_ACCESS)
    fa_masked = fields.Char("Financial Address", required=True, readonly=True)
    fa_type = fields.Selection(
        FA_TYPES,
        "Address Type",
        readonly=True,
        help="Empty: an address of unknown form, kept exactly as it was received.",
    )
    provider_id = WatchedMany2one("g2p.fa.provider", readonly=True, ondelete="restrict")
    branch_id = WatchedMany2one(
        "g2p.fa.branch", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    branch_code = fields.Char(readonly=True, help="As in the address.")
    strategy_id = fields.Integer(
        "Strategy Database ID",
        readonly=True,
        help="By which the address is taken apart; empty where nobody can. No foreign key is "
        "needed: a strategy that has been used stays.",
    )
    name = fields.Char("Beneficiary Name", readonly=True)
    phone = fields.Char("Clear Phone", groups=NO_ACCESS)
    additional_info = fields.Text(
        groups=NO_ACCESS,
        help="The JSON text received, so that every type and number stays as sent.",
    )
    state = fields.Selection(
        [("active", "Active"), ("suspended", "Suspended")], required=True, readonly=True
    )
    state_reason = fields.Char(readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    actor_kind = fields.Selection(ACTOR_KINDS, "Kind of Actor", required=True, readonly=True)
    participant_id = WatchedMany2one(
        "g2p.spar.participant", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    linked_at = fields.Datetime("Linked On", required=True, readonly=True)
    changed_at = fields.Datetime("Last Changed On", required=True, readonly=True)

    _id_key_unique = models.UniqueIndex("(id_key)", "This ID is already linked.")
    # finds an ID in two thirds of the time that the unique one takes, more so with more rows
    _id_key_idx = models.Index("USING hash (id_key)")
    # a fifth of the size of a tree of whole addresses: a link touches fewer pages
    _fa_key_idx = models.Index("USING hash (fa_key)")
    _provider_idx = models.Index("(provider_id, id)")
    _channel_idx = models.Index("(channel, id)")
    _suspended_idx = models.Index("(id) WHERE state = 'suspended'")

    def init(self):
        result = super().init()
        self.env.cr.execute(TRIGGERS)
        return result

    # === COMPUTE METHODS === #

    @api.depends("id_value")
    def _compute_id_masked(self):
        for mapping in self:
            mapping.id_masked = mask_id(mapping.id_value) if mapping.id_value else False

    def _search_id_masked(self, operator, value):
        """Exact look-up of whole IDs; anything else would let users guess IDs piece by piece."""
        if operator not in ("=", "in"):
            raise UserError(self.env._("Search for a whole ID."))
        values = [value] if isinstance(value, str) else value
        keys = [id_key(item) for item in values if isinstance(item, str)]
        # not through the ORM, which would log a failing statement with the ID
        self.env.cr.execute(
            "SELECT id FROM g2p_spar_mapping WHERE id_key = ANY(%s)", [keys], log_exceptions=False
        )
        return [("id", "in", [row_id for (row_id,) in self.env.cr.fetchall()])]

    @api.depends("id_value")
    def _compute_display_name(self):
        for mapping in self:
            mapping.display_name = mapping.id_masked

    def _search_display_name(self, operator, value):
        return self._search_id_masked("=" if operator == "ilike" else operator, value)

    # === ACTIONS === #

    def _action_change(self, operation, title):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.mapping.change",
            "name": title,
            "view_mode": "form",
            "target": "new",
            "context": {"default_mapping_id": self.id, "default_operation": operation},
        }

    def action_update(self):
        return self._action_change("update", self.env._("Change Address"))

    def action_suspend(self):
        return self._action_change("suspend", self.env._("Suspend"))

    def action_reactivate(self):
        return self._action_change("reactivate", self.env._("Reactivate"))

    def action_unlink(self):
        return self._action_change("unlink", self.env._("Unlink"))

    def action_show_address(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.address.reveal",
            "name": self.env._("Show Address"),
            "view_mode": "form",
            "target": "new",
            "context": {"default_mapping_id": self.id},
        }

    def action_view_history(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.mapping.event",
            "name": self.env._("History"),
            "view_mode": "list,form",
            "domain": [("mapping_id", "=", self.id)],
        }

    # === BUSINESS METHODS === #

    @api.private
    def reveal(self, reason):
        """The clear ID and address of one mapping, once the view is on record.

        :param str reason: why the current user needs to see them.
        :return: (ID, financial address)
        :rtype: tuple[str, str]
        :raise AccessError: the user is not in the group that may see clear addresses.
        """
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_mapper.group_show_address"):
            raise AccessError(self.env._("You may not see clear addresses."))
        self.check_access("read")
        if not (reason or "").strip():
            raise UserError(self.env._("Say why you need to see the address."))
        mapping = self.sudo()
        self.env["g2p.spar.access.log"].log_reveal(mapping.id, reason)
        return mapping.id_value, mapping.fa


# See ``g2p.spar.referenced``. Whoever refers to what is marked, which is nearly always, waits for
# nobody. The first time marks it, in one order, so that two that do are no deadlock; what has gone
# by then fails as a foreign key would.
_ALL_MARKED = """
    NOT EXISTS (
        SELECT FROM (SELECT DISTINCT provider_id AS id FROM written) AS provider
        WHERE id IS NOT NULL
            AND NOT EXISTS (SELECT FROM g2p_fa_provider AS p WHERE p.id = provider.id AND p.used)
    ) AND NOT EXISTS (
        SELECT FROM (SELECT DISTINCT branch_id AS id FROM written) AS branch
        WHERE id IS NOT NULL
            AND NOT EXISTS (SELECT FROM g2p_fa_branch AS b WHERE b.id = branch.id AND b.used)
    ) AND NOT EXISTS (
        SELECT FROM (SELECT DISTINCT participant_id AS id FROM written) AS participant
        WHERE id IS NOT NULL AND NOT EXISTS (
            SELECT FROM g2p_spar_participant AS p WHERE p.id = participant.id AND p.used
        )
    )"""
TRIGGERS = f"""
CREATE OR REPLACE FUNCTION g2p_spar_mapping_refers() RETURNS trigger AS $$
BEGIN
    IF {_ALL_MARKED} THEN
        RETURN NULL;
    END IF;
    PERFORM FROM g2p_fa_provider
    WHERE used IS NOT TRUE AND id IN (SELECT provider_id FROM written)
    ORDER BY id FOR NO KEY UPDATE;
    UPDATE g2p_fa_provider SET used = TRUE
    WHERE used IS NOT TRUE AND id IN (SELECT provider_id FROM written);
    PERFORM FROM g2p_fa_branch
    WHERE used IS NOT TRUE AND id IN (SELECT branch_id FROM written)
    ORDER BY id FOR NO KEY UPDATE;
    UPDATE g2p_fa_branch SET used = TRUE
    WHERE used IS NOT TRUE AND id IN (SELECT branch_id FROM written);
    UPDATE g2p_spar_participant SET used = TRUE
    WHERE used IS NOT TRUE AND id IN (SELECT participant_id FROM written);
    IF NOT ({_ALL_MARKED}) THEN
        RAISE EXCEPTION 'a provider, branch or participant of a mapping has been deleted'
            USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER g2p_spar_mapping_insert_refers
    AFTER INSERT ON g2p_spar_mapping REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION g2p_spar_mapping_refers();
CREATE OR REPLACE TRIGGER g2p_spar_mapping_update_refers
    AFTER UPDATE ON g2p_spar_mapping REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION g2p_spar_mapping_refers();
"""
