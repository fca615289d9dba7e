# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

# Of entitlements that are, or are to become, payments.
AWAITED = ("draft", "pending_validation", "approved")


class G2pSparCycle(models.AbstractModel):
    """Payment cycles of a PBMS. For glue to inherit from beside its own model, which has
    `program_id`, `entitlement_ids` and `cycle_membership_ids`.
    """

    _name = "g2p.spar.cycle"
    _description = "Payment Cycle with SPAR"

    # === ACTIONS === #

    def action_spar_check(self):
        """Say how many of those who are to be paid can be, and who cannot and why."""
        self.ensure_one()
        self._spar_check_manager()
        manager = self.env["g2p.spar.payment.manager"]._spar_of_program(self.program_id)
        manager.with_env(self.env)._spar_check_preparing(self.entitlement_ids)
        partners = self._spar_beneficiaries(manager)
        return self.env["g2p.spar.readiness"]._show(self.name, manager, partners)

    # === BUSINESS METHODS === #

    def _spar_check_manager(self):
        """:raise UserError: the programme has no payment manager"""
        program = self.program_id
        try:
            manager = program.get_manager(program.MANAGER_PAYMENT)
        except ValueError:  # that of `ensure_one`
            manager = None
        if not manager:
            raise UserError(self.env._("%s has no payment manager.", program.display_name))

    def _spar_beneficiaries(self, manager):
        """Who is to be paid: for what is, or may be, approved and is not paid, else the members."""
        awaited = self.entitlement_ids.filtered(lambda record: record.state in AWAITED)
        if self.entitlement_ids:
            return manager._spar_unpaid(awaited).partner_id
        members = self.cycle_membership_ids.filtered(lambda record: record.state == "enrolled")
        return members.partner_id

    def _spar_lock(self):
        """Let preparing and sending of a cycle take turns: whoever comes second fails with a
        serialization error, and is tried again by Odoo with what the first one has done."""
        if self:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET write_date = write_date WHERE id = ANY(%s)",
                    SQL.identifier(self._table),
                    list(self.ids),
                ),
                log_exceptions=False,  # who comes second is no news
            )
