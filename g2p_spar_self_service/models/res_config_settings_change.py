# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_change import CHANGES_PER_DAY, DELAY_HOURS
from .g2p_spar_change_draft import SEARCHES_PER_HOUR

DELAY_PARAMETER = "g2p_spar.change_delay_hours"
DELAY_HOURS_AT_MOST = 30 * 24


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_change_delay_hours = fields.Integer(
        "Changes Wait (hours)",
        help="A change or removal of an address on record takes effect after so long; until then "
        "it can be cancelled. 0: at once.",
    )
    g2p_spar_change_needs_contact = fields.Boolean(
        related="company_id.spar_change_needs_contact", readonly=False
    )
    g2p_spar_changes_per_day = fields.Integer(
        "Changes per Day",
        config_parameter="g2p_spar.changes_per_day",
        default=CHANGES_PER_DAY,
        help="That a person may ask for within 24 hours, cancelled ones included.",
    )
    g2p_spar_searches_per_hour = fields.Integer(
        "Searches per Hour",
        config_parameter="g2p_spar.searches_per_hour",
        default=SEARCHES_PER_HOUR,
        help="For banks and branches, by one person. Typing searches several times.",
    )
    spar_help = fields.Text(related="company_id.spar_help", readonly=False)
    spar_contact = fields.Text(related="company_id.spar_contact", readonly=False)

    @api.constrains(
        "g2p_spar_change_delay_hours", "g2p_spar_changes_per_day", "g2p_spar_searches_per_hour"
    )
    def _check_spar_changes(self):
        for settings in self:
            if not 0 <= settings.g2p_spar_change_delay_hours <= DELAY_HOURS_AT_MOST:
                raise ValidationError(
                    self.env._("Changes wait: must be from 0 to %s hours.", DELAY_HOURS_AT_MOST)
                )
            if min(settings.g2p_spar_changes_per_day, settings.g2p_spar_searches_per_hour) < 1:
                raise ValidationError(
                    self.env._("Changes per day, searches per hour: must be at least 1.")
                )

    def action_spar_texts(self):
        """Write the texts for beneficiaries in each language."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Texts for Beneficiaries"),
            "res_model": "res.company",
            "res_id": self.company_id.id,
            "views": [
                (self.env.ref("g2p_spar_self_service.res_company_view_form_texts").id, "form")
            ],
            "target": "new",
        }

    @api.model
    def get_values(self):
        parameters = self.env["ir.config_parameter"].sudo()
        return {
            **super().get_values(),
            "g2p_spar_change_delay_hours": int(parameters.get_param(DELAY_PARAMETER, DELAY_HOURS)),
        }

    def set_values(self):
        """Parameters of their own: Odoo keeps no 0."""
        result = super().set_values()
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param(DELAY_PARAMETER, str(self.g2p_spar_change_delay_hours))
        return result
