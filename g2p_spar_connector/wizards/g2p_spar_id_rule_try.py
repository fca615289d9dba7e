# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models

from odoo.addons.g2p_spar_fa_directory.ids import mask_id
from odoo.addons.g2p_spar_fa_directory.masking import mask_number


class G2pSparIdRuleTry(models.TransientModel):
    """Try an ID rule on a contact. The ID is shown masked, and nothing of it is stored."""

    _name = "g2p.spar.id.rule.try"
    _description = "Try an ID Rule"

    rule_id = fields.Many2one("g2p.spar.id.rule", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Contact", ondelete="cascade")
    id_masked = fields.Char("ID Made", compute="_compute_id_masked")
    problem = fields.Char(compute="_compute_id_masked")

    @api.depends("rule_id", "partner_id")
    def _compute_id_masked(self):
        for dialog in self:
            dialog.id_masked = dialog.problem = False
            if dialog.rule_id and dialog.partner_id:
                dialog.id_masked, dialog.problem = dialog._try()

    def _try(self):
        """:return: the masked ID, and why there is none"""
        self.rule_id.check_access("read")
        self.partner_id.check_access("read")
        rule, partner = self.rule_id.sudo(), self.partner_id.sudo()
        if rule.company_id and partner.company_id and rule.company_id != partner.company_id:
            return False, self.env._("The rule is for contacts of another company.")
        ids, problems = rule.make_ids(partner)
        if partner.id in problems:
            return False, problems[partner.id]
        if partner.id not in ids:
            return False, self.env._("The contact has no such reference.")
        return self._masked(rule, partner, ids[partner.id]), False

    def _masked(self, rule, partner, id_):
        """The form of the ID as it is, with the reference in it masked."""
        if not rule.strategy_id:
            return mask_id(id_)
        reference = mask_number(rule._raw_values(partner)[partner.id])
        return rule.strategy_id.construct_pattern.replace("{sub}", reference)
