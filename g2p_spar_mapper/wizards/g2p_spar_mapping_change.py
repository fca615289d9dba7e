# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.g2p_connect import codes
from odoo.addons.g2p_spar_connector.g2p_connect.text import is_phone_number
from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    Actor,
    LinkItem,
    Outcome,
    UnlinkItem,
    UpdateItem,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import FaError

MANAGER_OPERATIONS = ("erase",)


class G2pSparMappingChange(models.TransientModel):
    """Change one mapping from the back office, for a reason, through the mapper's service.

    What is typed about a person is stored sealed: the row outlives a refused dialog, and a failing
    statement is logged with its values.
    """

    _name = "g2p.spar.mapping.change"
    _inherit = "g2p.spar.sealed.dialog"
    _description = "Change a Mapping"
    _typed_fields = ("id_value", "number", "name", "phone_number")
    _seal_purpose = "mapping change"

    operation = fields.Selection(
        [
            ("link", "Link"),
            ("update", "Update"),
            ("suspend", "Suspend"),
            ("reactivate", "Reactivate"),
            ("unlink", "Unlink"),
            ("erase", "Erase"),
        ],
        required=True,
        default="link",
    )
    mapping_id = fields.Many2one("g2p.spar.mapping", readonly=True, index=True)
    mapping_name = fields.Char("Linked ID", related="mapping_id.id_masked")
    id_value = fields.Char(
        "Beneficiary ID",
        compute="_compute_typed",
        readonly=False,
        help="The whole ID, for example token:12345@nationalId.",
    )
    provider_id = fields.Many2one("g2p.fa.provider")
    fa_type = fields.Selection(related="provider_id.fa_type")
    branch_id = fields.Many2one("g2p.fa.branch", domain="[('provider_id', '=', provider_id)]")
    number = fields.Char(
        compute="_compute_typed",
        readonly=False,
        help="Account number, mobile number or e-mail address.",
    )
    name = fields.Char("Beneficiary Name", compute="_compute_typed", readonly=False)
    phone_number = fields.Char(
        compute="_compute_typed", readonly=False, help="With country code: +12025550100"
    )
    reason = fields.Char()

    @api.onchange("provider_id")
    def _onchange_provider_id(self):
        if self.branch_id.provider_id != self.provider_id:
            self.branch_id = False

    def action_apply(self):
        """Carry the change out; refused ones say why."""
        self.ensure_one()
        self._check_group()
        if not (self.reason or "").strip():
            raise UserError(self.env._("Say why: the reason is kept in the history."))
        if self.phone_number and not is_phone_number(self.phone_number):
            raise UserError(self.env._("The phone number needs its country code: +12025550100"))
        [result] = self._apply()
        if not result.succeeded:
            raise UserError(result.message or self._refusal_text(result.outcome))
        # what was typed must not wait for the vacuum
        self.typed = False
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": self.env._("Done."), "next": self._next()},
        }

    def _next(self):
        """Back to the list when the mapping is gone, else what is on screen, up to date."""
        if self.operation in ("unlink", "erase"):
            return self.env["ir.actions.act_window"]._for_xml_id(
                "g2p_spar_mapper.g2p_spar_mapping_action"
            ) | {"target": "main"}
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_group(self):
        group = "group_manager" if self.operation in MANAGER_OPERATIONS else "group_officer"
        if not self.env.user.has_group(f"g2p_spar_fa_directory.{group}"):
            raise UserError(self.env._("Your role does not allow this."))

    def _apply(self):
        mapper = self.env["g2p.spar.mapper"]
        actor = Actor(
            kind="staff",
            channel="back_office",
            name=self.env.user.name,
            user_id=self.env.uid,
            reason=self.reason,
        )
        id_value = self.mapping_id.sudo().id_value or self.id_value or ""
        if self.operation in ("link", "update"):
            item = (LinkItem if self.operation == "link" else UpdateItem)(
                "1",
                id_value,
                self._construct_fa(),
                name=self.name or None,
                phone_number=self.phone_number or None,
            )
        else:
            item = UnlinkItem("1", id_value)
        return getattr(mapper, f"{self.operation}_items")(actor, [item])

    def _construct_fa(self):
        if not self.provider_id or not self.number:
            raise UserError(self.env._("Choose a provider and enter a number."))
        address = self.env["g2p.fa.directory"].construct_fa(
            self.provider_id, self.number.strip(), self.branch_id or None
        )
        if isinstance(address, FaError):
            raise UserError(address.message)
        return address.string

    def _refusal_text(self, outcome):
        texts = {
            Outcome.ALREADY_LINKED: self.env._("This ID is linked already: change its mapping."),
            Outcome.NOT_LINKED: self.env._("This ID is not linked."),
            Outcome.ID_NOT_ALLOWED: self.env._("This mapping is suspended: reactivate it first."),
            Outcome.ID_EMPTY: self.env._("Enter the ID."),
        }
        return texts.get(outcome) or codes.reason("strict", "link", outcome).text
