# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_fa_directory.ids import id_problem


class G2pSparPersonErase(models.TransientModel):
    """Erase what self service keeps of a person whose mapper is elsewhere. That of this database
    does it by itself."""

    _name = "g2p.spar.person.erase"
    _inherit = "g2p.spar.sealed.dialog"
    _description = "Erase a Person from Self Service"
    _typed_fields = ("id_value", "reason")
    _seal_purpose = "person erase"

    id_value = fields.Char(
        "Beneficiary ID",
        compute="_compute_typed",
        readonly=False,
        help="The whole ID, for example token:12345@nationalId.",
    )
    reason = fields.Char(
        compute="_compute_typed",
        readonly=False,
        help="Kept on record with your name. Do not name the person.",
    )

    def action_erase(self):
        """Erase. The answer is the same whether there was anything or not: who is registered is
        nobody's to find out here."""
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        id_value = self.id_value or ""
        if id_problem(id_value):
            raise UserError(self.env._("This cannot be an ID: enter it as a whole."))
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Enter the reason."))
        self.env["g2p.spar.erasure"].forget([id_value])
        self._put_on_record(id_value, reason)
        # what was typed must not wait for the vacuum
        self.typed = False
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Nothing readable is kept here any more about this ID."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _put_on_record(self, id_value, reason):
        self.env["g2p.spar.person.erasure"].sudo().create(
            {
                "happened_at": fields.Datetime.now(),
                "user_id": self.env.uid,
                "user_name": self.env.user.name,
                "reason": reason,
                "person_digest": self.env["g2p.spar.change"].digest_of(id_value),
            }
        )
