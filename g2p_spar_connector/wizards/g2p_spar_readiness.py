# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models


class G2pSparReadiness(models.TransientModel):
    """How many of those who are to be paid can be paid, and who cannot. Has no addresses."""

    _name = "g2p.spar.readiness"
    _description = "Check of Financial Addresses"

    name = fields.Char("Cycle", readonly=True)
    people_count = fields.Integer("People", readonly=True)
    resolved_count = fields.Integer("With an Address in SPAR", readonly=True)
    registry_count = fields.Integer(
        "Never Linked, With an Account in the Registry",
        readonly=True,
        help="Paid where the registry comes after SPAR.",
    )
    unresolved_count = fields.Integer("Without", readonly=True)
    line_ids = fields.One2many("g2p.spar.readiness.line", "readiness_id", readonly=True)

    # === ACTIONS === #

    def action_show_lines(self):
        """The list of those who cannot be paid, and why."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Without Financial Address: %s", self.name),
            "res_model": "g2p.spar.readiness.line",
            "views": [(False, "list")],
            "domain": [("readiness_id", "=", self.id)],
            "context": {"group_by": "reason"},
        }

    # === BUSINESS METHODS === #

    @api.model
    def _show(self, name, manager, partners):
        """Look the people up, and open what came of it.

        :param manager: a `g2p.spar.payment.manager`
        """
        purpose = self.env._("Readiness of %s", name)
        results = manager._spar_resolve(partners, purpose)
        problems, registry_count = {}, 0
        for partner in partners.sudo():
            result = results[partner.id]
            problem = manager._spar_account_problem(partner, result)
            if problem:
                problems[partner.id] = problem
            elif not manager._spar_is_payable(result):
                registry_count += 1
        readiness = self.sudo().create(
            {
                "name": name,
                "people_count": len(partners),
                "resolved_count": len(partners) - registry_count - len(problems),
                "registry_count": registry_count,
                "unresolved_count": len(problems),
            }
        )
        self.env["g2p.spar.readiness.line"]._add(readiness, problems)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Financial Addresses"),
            "res_model": self._name,
            "res_id": readiness.id,
            "views": [(False, "form")],
            "target": "new",
        }
