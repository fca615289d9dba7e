# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models

from .. import names


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["g2p.spar.household", "res.partner"]

    @api.private
    def get_payment_token(self, program):
        """The account number to which a programme would pay this registrant now, False if none.

        Upstream's default payment manager asks for it (``_get_account_number``), and nothing
        upstream answers.
        """
        self.ensure_one()
        manager = self.env["g2p.spar.payment.manager"]._spar_of_program(program)
        return manager._spar_account_number(self)

    def _spar_heads(self):
        """Override: the member of whose types one says so."""
        heads = super()._spar_heads()
        groups = self.filtered("is_group")
        if not groups:
            return heads
        heads |= dict.fromkeys(groups.ids, self.browse())
        memberships = self.env[names.MEMBERSHIP].sudo().search_fetch(
            [
                ("group", "in", groups.ids),
                ("membership_type_ids.code", "=", names.HEAD_CODE),
                # is_ended is stored, and only tells how it was when somebody wrote
                "|", ("ended_date", "=", False), ("ended_date", ">", fields.Datetime.now()),
            ],
            ["group", "individual"],
        )  # fmt: skip
        for membership in memberships:
            heads[membership.group.id] |= membership.individual
        return {id_: head if len(head) == 1 else self.browse() for id_, head in heads.items()}
