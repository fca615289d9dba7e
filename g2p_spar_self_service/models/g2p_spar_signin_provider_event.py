# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models


class G2pSparSigninProviderEvent(models.Model):
    """What was changed of a sign-in provider, by whom and when: one row for each field.

    Whoever may change these settings could let themselves be vouched for as anybody, and put them
    back. Append-only, as triggers see to; rows stay when their provider is deleted.
    """

    _name = "g2p.spar.signin.provider.event"
    _description = "Sign-in Provider History"
    _order = "id desc"
    _log_access = False
    _rec_name = "provider_name"

    # no foreign keys: what they refer to may go
    provider_id = fields.Integer("Provider Database ID", required=True, readonly=True, index=True)
    provider_name = fields.Char("Provider", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, ondelete="restrict")
    happened_at = fields.Datetime("When", required=True, readonly=True)
    user_id = fields.Integer("User Database ID", required=True, readonly=True)
    user_name = fields.Char("Who", required=True, readonly=True)
    operation = fields.Selection(
        [("create", "Created"), ("write", "Changed"), ("unlink", "Deleted")],
        "What",
        required=True,
        readonly=True,
    )
    field_name = fields.Char("Field", required=True, readonly=True)
    field_label = fields.Char("Setting", compute="_compute_field_label")
    old_value = fields.Text("Before", readonly=True)
    new_value = fields.Text("After", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends("field_name")
    def _compute_field_label(self):
        known = self.env["g2p.spar.signin.provider"]._fields
        for event in self:
            field = known.get(event.field_name)  # an older version may have had others
            event.field_label = field._description_string(self.env) if field else event.field_name

    # === BUSINESS METHODS === #

    def init(self):
        self.env.cr.execute(TRIGGERS)

    @api.private
    @api.model
    def record(self, provider, operation, before, after):
        """Keep what differs.

        :param provider: `g2p.spar.signin.provider`
        :param str operation: of the field of that name
        :param dict[str, str] before: by field, empty of a new provider
        :param dict[str, str] after: likewise, empty of one that is deleted
        :return: names of the fields that differ
        :rtype: set[str]
        """
        names = [name for name in before | after if before.get(name, "") != after.get(name, "")]
        common = {
            "provider_id": provider.id,
            "provider_name": provider.name,
            "company_id": provider.company_id.id,
            "happened_at": fields.Datetime.now(),
            "user_id": self.env.uid,
            "user_name": self.env.user.name,
            "operation": operation,
        }
        self.sudo().create(
            [
                {
                    **common,
                    "field_name": name,
                    "old_value": before.get(name),
                    "new_value": after.get(name),
                }
                for name in names
            ]
        )
        return set(names)


TRIGGERS = """
CREATE OR REPLACE FUNCTION g2p_spar_signin_provider_event_append_only() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'the history of sign-in providers is append-only';
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER g2p_spar_signin_provider_event_rows
    BEFORE UPDATE OR DELETE ON g2p_spar_signin_provider_event
    FOR EACH ROW EXECUTE FUNCTION g2p_spar_signin_provider_event_append_only();
CREATE OR REPLACE TRIGGER g2p_spar_signin_provider_event_truncate
    BEFORE TRUNCATE ON g2p_spar_signin_provider_event
    FOR EACH STATEMENT EXECUTE FUNCTION g2p_spar_signin_provider_event_append_only();
"""
