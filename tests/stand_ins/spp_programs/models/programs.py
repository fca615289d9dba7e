# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError


class SPPProgram(models.Model):
    _name = "spp.program"
    _description = "Program"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True

    MANAGER_ELIGIBILITY = 1
    MANAGER_CYCLE = 2
    MANAGER_PROGRAM = 3
    MANAGER_ENTITLEMENT = 4
    MANAGER_DEDUPLICATION = 5
    MANAGER_NOTIFICATION = 6
    MANAGER_PAYMENT = 7

    # Upstream has an entry for each kind of manager.
    MANAGER_MODELS = {
        "payment_manager_ids": {
            "spp.program.payment.manager": "spp.program.payment.manager.default",
        },
    }
    MANAGER_MODELS_WRAPPERS = ("spp.program.payment.manager",)

    name = fields.Char(required=True)
    description = fields.Text()
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    currency_id = fields.Many2one("res.currency", default=lambda self: self.env.company.currency_id)
    target_type = fields.Selection(
        [("group", "Group"), ("individual", "Individual")], default="group"
    )
    payment_manager_ids = fields.Many2many("spp.program.payment.manager")
    program_membership_ids = fields.One2many("spp.program.membership", "program_id")
    cycle_ids = fields.One2many("spp.cycle", "program_id")
    state = fields.Selection(
        [("active", "Active"), ("ended", "Ended")], default="active", required=True, readonly=True
    )
    active = fields.Boolean(default=True)
    is_locked = fields.Boolean()
    locked_reason = fields.Char()

    @api.constrains("payment_manager_ids")
    def check_managers_limit(self):
        for program in self:
            if len(program.payment_manager_ids) > 1:
                raise UserError(
                    self.env._("Payment Managers: only one is allowed for each program.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        programs = super().create(vals_list)
        if self.env.context.get("create_default_managers"):
            for program in programs:
                program.write(self.create_default_managers(program.id))
        return programs

    @api.model
    def create_default_managers(self, program_id):
        values = {}
        for field, models_of_field in self.MANAGER_MODELS.items():
            for wrapper, default in models_of_field.items():
                manager = self.env[default].create({"name": "Default", "program_id": program_id})
                line = self.env[wrapper].create(
                    {"program_id": program_id, "manager_ref_id": f"{default},{manager.id}"}
                )
                values[field] = [(4, line.id)]
        return values

    def get_manager(self, kind):
        """The one manager of a kind; the stand-in knows payment managers only."""
        self.ensure_one()
        if kind != self.MANAGER_PAYMENT:
            raise NotImplementedError("Manager not supported")
        managers = self.payment_manager_ids
        managers.ensure_one()
        return managers.manager_ref_id
