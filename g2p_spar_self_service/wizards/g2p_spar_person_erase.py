# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_fa_directory.ids import id_problem

_logger = logging.getLogger(__name__)


class G2pSparPersonErase(models.TransientModel):
    """Erase what self service keeps of a person whose mapper is elsewhere. That of this database
    does it by itself."""

    _name = "g2p.spar.person.erase"
    _inherit = "g2p.spar.sealed.dialog"
    _description = "Erase a Person from Self Service"
    _typed_fields = ("id_value",)
    _seal_purpose = "person erase"

    id_value = fields.Char(
        "Beneficiary ID",
        compute="_compute_typed",
        readonly=False,
        help="The whole ID, for example token:12345@nationalId.",
    )

    def action_erase(self):
        """Erase, and say how much there was: of a mistyped ID there is nothing."""
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        id_value = self.id_value or ""
        if id_problem(id_value):
            raise UserError(self.env._("This cannot be an ID: enter it as a whole."))
        count = self.env["g2p.spar.erasure"].forget([id_value])
        # what was typed must not wait for the vacuum
        self.typed = False
        if not count:
            raise UserError(self.env._("Nothing is kept here of a person with this ID."))
        _logger.info("User %s has erased a person: %s records", self.env.uid, count)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Erased here: %s records.", count),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
