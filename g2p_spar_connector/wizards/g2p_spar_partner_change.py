# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..partner_result import QUEUED, UNAVAILABLE


class G2pSparPartnerChange(models.TransientModel):
    """Link, change or remove the address of a contact, for a reason, whatever mapper has it.

    Where the mapper does not answer, the officer may leave the change to the outbox. While a change
    of the contact waits there, later ones follow it.
    """

    _name = "g2p.spar.partner.change"
    _inherit = "g2p.spar.sealed.dialog"
    _description = "Change the Address of a Contact"
    _typed_fields = ("number",)
    _seal_purpose = "contact address"

    operation = fields.Selection(
        [("link", "Link"), ("update", "Change"), ("unlink", "Remove")],
        required=True,
        default="link",
    )
    partner_id = fields.Many2one("res.partner", "Contact", required=True, index=True)
    provider_id = fields.Many2one("g2p.fa.provider")
    fa_type = fields.Selection(related="provider_id.fa_type")
    branch_id = fields.Many2one("g2p.fa.branch", domain="[('provider_id', '=', provider_id)]")
    number = fields.Char(
        compute="_compute_typed",
        readonly=False,
        help="Account number, mobile number or e-mail address.",
    )
    reason = fields.Char()
    problem = fields.Char(readonly=True, help="Why the mapper has not answered.")
    follows_another = fields.Boolean(compute="_compute_follows_another")

    @api.depends("partner_id")
    def _compute_follows_another(self):
        for dialog in self:
            connector, id_ = dialog.partner_id._spar_connector_and_id()
            waiting = self.env["g2p.spar.outbox"].count_changes(connector, [id_] if id_ else [])
            dialog.follows_another = bool(waiting)

    @api.onchange("provider_id")
    def _onchange_provider_id(self):
        if self.branch_id.provider_id != self.provider_id:
            self.branch_id = False

    def action_apply(self):
        """Carry the change out; refused ones say why. Without an answer the dialog stays."""
        result = self._change(queue=self.follows_another)
        if result["outcome"] == UNAVAILABLE:
            self.problem = result["message"]
            return self._open_again()
        return self._close(result)

    def action_keep(self):
        """Leave a change that the mapper has not answered to the outbox."""
        return self._close(self.with_context(spar_tried=True)._change(queue=True))

    def _change(self, queue):
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_fa_directory.group_officer"):
            raise AccessError(self.env._("Your role does not allow this."))
        connectors = self.env["g2p.spar.connector"]
        options = {"reason": self.reason, "queue": queue, "channel": "back_office"}
        if self.operation == "unlink":
            [result] = connectors.unlink_partners(self.partner_id, **options)
        elif self.operation == "link":
            [result] = connectors.link_partners([(self.partner_id, self._account())], **options)
        else:
            [result] = connectors.update_partners([(self.partner_id, self._account())], **options)
        return result

    def _account(self):
        if not self.provider_id or not self.number:
            raise UserError(self.env._("Choose a provider and enter a number."))
        return {
            "provider_id": self.provider_id.id,
            "number": self.number.strip(),
            "branch_id": self.branch_id.id,
        }

    def _close(self, result):
        is_kept = result["outcome"] == QUEUED
        if not is_kept and result["status"] != "succ":
            raise UserError(result["message"])
        # what was typed must not wait for the vacuum
        self.typed = False
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info" if is_kept else "success",
                "message": result["message"],
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _open_again(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "name": self.env._("The Mapper Has Not Answered"),
            "views": [(False, "form")],
            "target": "new",
        }
