# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.g2p_connect import codes
from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    Actor,
    LinkItem,
    UnlinkItem,
    UpdateItem,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import FaError

MANAGER_OPERATIONS = ("erase",)


class G2pSparMappingChange(models.TransientModel):
    """Change one mapping from the back office, for a reason, through the mapper's service."""

    _name = "g2p.spar.mapping.change"
    _description = "Change a Mapping"

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
    mapping_id = fields.Many2one("g2p.spar.mapping", readonly=True)
    mapping_name = fields.Char("Linked ID", related="mapping_id.id_masked")
    id_value = fields.Char(
        "Beneficiary ID", help="The whole ID, for example token:12345@nationalId."
    )
    provider_id = fields.Many2one("g2p.fa.provider")
    branch_id = fields.Many2one("g2p.fa.branch", domain="[('provider_id', '=', provider_id)]")
    number = fields.Char(help="Account number, mobile number or e-mail address.")
    name = fields.Char("Beneficiary Name")
    phone_number = fields.Char(help="With country code: +12025550100")
    reason = fields.Char(required=True)

    @api.onchange("provider_id")
    def _onchange_provider_id(self):
        if self.branch_id.provider_id != self.provider_id:
            self.branch_id = False

    def action_apply(self):
        """Carry the change out; refused ones say why."""
        self.ensure_one()
        self._check_group()
        [result] = self._apply()
        if not result.succeeded:
            raise UserError(result.message or self._refusal_text(result.outcome))
        # what was typed must not wait for the vacuum
        self.write({"id_value": False, "number": False, "phone_number": False, "name": False})
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
        if self.operation in ("suspend", "reactivate", "erase"):
            return getattr(mapper, self.operation)(actor, [id_value])
        if self.operation == "unlink":
            return mapper.unlink_items(actor, [UnlinkItem("1", id_value)])
        item_type = LinkItem if self.operation == "link" else UpdateItem
        item = item_type(
            "1",
            id_value,
            self._construct_fa(),
            name=self.name or None,
            phone_number=self.phone_number or None,
        )
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
        return codes.reason("strict", "link", outcome).text
