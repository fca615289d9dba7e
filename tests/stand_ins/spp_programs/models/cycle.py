# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models
from odoo.exceptions import UserError


class SPPCycle(models.Model):
    _name = "spp.cycle"
    _description = "Cycle"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "sequence asc"
    _check_company_auto = True

    program_id = fields.Many2one("spp.program", required=True)
    company_id = fields.Many2one(related="program_id.company_id", store=True)
    name = fields.Char(required=True)
    sequence = fields.Integer(required=True, readonly=True, default=1)
    start_date = fields.Date(required=True)
    end_date = fields.Date(required=True)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("to_approve", "To Approve"),
            ("approved", "Approved"),
            ("distributed", "Distributed"),
            ("cancelled", "Canceled"),
            ("ended", "Ended"),
        ],
        default="draft",
        required=True,
        tracking=True,
    )
    cycle_membership_ids = fields.One2many("spp.cycle.membership", "cycle_id")
    entitlement_ids = fields.One2many("spp.entitlement", "cycle_id")
    payment_batch_ids = fields.One2many("spp.payment.batch", "cycle_id")
    total_amount = fields.Float(compute="_compute_total_amount")
    currency_id = fields.Many2one(related="program_id.currency_id")
    is_locked = fields.Boolean()
    locked_reason = fields.Char()

    def _compute_total_amount(self):
        for cycle in self:
            cycle.total_amount = sum(cycle.entitlement_ids.mapped("initial_amount"))

    def get_entitlements(
        self,
        state,
        entitlement_model="spp.entitlement",
        offset=0,
        limit=None,
        order=None,
        count=False,
    ):
        states = [state] if isinstance(state, str) else state
        domain = [("cycle_id", "=", self.id)]
        if states:
            domain.append(("state", "in", states))
        if count:
            return self.env[entitlement_model].search_count(domain, limit=limit)
        return self.env[entitlement_model].search(domain, offset=offset, limit=limit, order=order)

    def _acquire_operation_lock(self, reason):
        self.write({"is_locked": True, "locked_reason": reason})

    def _release_operation_lock(self):
        self.write({"is_locked": False, "locked_reason": False})

    def prepare_payment(self):
        return self._payment_manager().prepare_payments(self)

    def send_payment(self):
        return self._payment_manager().send_payments(self.payment_batch_ids)

    def _payment_manager(self):
        self.ensure_one()
        program = self.program_id
        manager = program.payment_manager_ids and program.get_manager(program.MANAGER_PAYMENT)
        if not manager:
            raise UserError(self.env._("No Payment Manager defined."))
        return manager

    def open_cycle_form(self):
        self.ensure_one()
        return {
            "name": self.name,
            "type": "ir.actions.act_window",
            "res_model": "spp.cycle",
            "res_id": self.id,
            "view_mode": "form",
            "view_id": self.env.ref("spp_programs.view_cycle_form").id,
            "context": {"hide_cash": not self.program_id.payment_manager_ids},
        }

    def open_members_form(self):
        return self._open("Cycle Members", "spp.cycle.membership")

    def open_entitlements_form(self):
        return self._open("Entitlements", "spp.entitlement")

    def open_payments_form(self):
        return self._open("Payments", "spp.payment")

    def _open(self, name, model):
        self.ensure_one()
        return {
            "name": name,
            "type": "ir.actions.act_window",
            "res_model": model,
            "view_mode": "list,form",
            "domain": [("cycle_id", "=", self.id)],
            "context": {"create": False},
        }
