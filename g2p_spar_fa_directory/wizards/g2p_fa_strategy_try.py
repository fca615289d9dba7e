# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models

from ..financial_address import FA_TYPE_TOKEN
from ..pattern import PatternError


class G2pFaStrategyTry(models.TransientModel):
    """Try a strategy on values typed by the user. What is typed is never stored."""

    _name = "g2p.fa.strategy.try"
    _description = "Try a Strategy"

    strategy_id = fields.Many2one("g2p.fa.strategy", required=True, ondelete="cascade")
    construct_pattern = fields.Char(related="strategy_id.construct_pattern")
    field_names = fields.Char(compute="_compute_field_names")

    # One per field that a pattern may have.
    sub = fields.Char(string="Subject (sub)", store=False)
    account_number = fields.Char(store=False)
    branch_name = fields.Char(store=False)
    branch_code = fields.Char(store=False)
    bank_name = fields.Char(store=False)
    bank_code = fields.Char(store=False)
    mobile_number = fields.Char(store=False)
    email_address = fields.Char(string="E-mail Address", store=False)
    wallet_provider_name = fields.Char(store=False)
    wallet_provider_code = fields.Char(store=False)
    fa_type = fields.Char(string="Kind of Account", store=False)
    constructed = fields.Char(compute="_compute_constructed")
    construct_problem = fields.Char(compute="_compute_constructed")

    string = fields.Char(store=False)
    deconstructed = fields.Text(compute="_compute_deconstructed")
    deconstruct_problem = fields.Char(compute="_compute_deconstructed")

    # === COMPUTE METHODS === #

    @api.depends("strategy_id")
    def _compute_field_names(self):
        for wizard in self:
            pattern = wizard.strategy_id and wizard.strategy_id._pattern()
            wizard.field_names = " ".join(pattern.fields) if pattern else ""

    @api.depends(
        "strategy_id",
        "sub",
        "account_number",
        "branch_name",
        "branch_code",
        "bank_name",
        "bank_code",
        "mobile_number",
        "email_address",
        "wallet_provider_name",
        "wallet_provider_code",
        "fa_type",
    )
    def _compute_constructed(self):
        for wizard in self:
            wizard.constructed = wizard.construct_problem = False
            if not wizard.strategy_id:
                continue
            parts = {name: wizard[name] or "" for name in wizard.field_names.split()}
            try:
                wizard.constructed = wizard.strategy_id.construct(parts)
            except PatternError as error:
                wizard.construct_problem = str(error)

    @api.depends("strategy_id", "string")
    def _compute_deconstructed(self):
        for wizard in self:
            wizard.deconstructed = wizard.deconstruct_problem = False
            if not (wizard.strategy_id and wizard.string):
                continue
            parts = wizard.strategy_id.deconstruct(wizard.string)
            if parts is None:
                wizard.deconstruct_problem = self.env._("This text does not have the form above.")
            else:
                wizard.deconstructed = "\n".join(f"{name}: {parts[name]}" for name in parts)

    @api.onchange("strategy_id")
    def _onchange_strategy_id(self):
        self.fa_type = FA_TYPE_TOKEN.get(self.strategy_id.fa_type)
