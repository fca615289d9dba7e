# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.g2p_spar_fa_directory.financial_address import EMAIL_WALLET, mask_fa
from odoo.addons.g2p_spar_fa_directory.ids import mask_id
from odoo.addons.g2p_spar_fa_directory.masking import mask_email, mask_number


class ResPartner(models.Model):
    """Contacts have no address in SPAR: it is looked up when somebody opens one, shown masked, and
    never copied. What shows it asks for it by `spar_look_up`, so that a mapper which takes its time
    keeps no form waiting, and neither lists nor exports ask at all.
    """

    _inherit = "res.partner"

    spar_is_used = fields.Boolean(
        compute="_compute_spar_is_used",
        groups="g2p_spar_fa_directory.group_viewer",
        exportable=False,
        help="The contact's company has a connector and an ID rule.",
    )

    # === COMPUTE METHODS === #

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_spar_is_used(self):
        connectors, rules = self.env["g2p.spar.connector"], self.env["g2p.spar.id.rule"].sudo()
        for company, partners in self.grouped(
            lambda partner: partner.company_id or self.env.company
        ).items():
            domain = [("company_id", "in", (company.id, False))]
            partners.spar_is_used = bool(connectors._get_default(company)) and bool(
                rules.search_count(domain, limit=1)
            )

    # === ACTION METHODS === #

    def action_spar_link(self):
        return self._action_spar_change("link", self.env._("Link a Payment Address"))

    def action_spar_update(self):
        return self._action_spar_change("update", self.env._("Change the Payment Address"))

    def action_spar_unlink(self):
        return self._action_spar_change("unlink", self.env._("Remove the Payment Address"))

    def action_spar_show(self):
        """Open what asks for a reason and then shows the whole address."""
        self.ensure_one()
        self._check_spar_viewer()
        connector, id_value = self._spar_connector_and_id()
        return connector._show_address_action(id_value) if id_value else False

    def _action_spar_change(self, operation, title):
        """With the context key ``spar_before_key``, a change that has to wait replaces only the
        address of that ``address_key`` (`spar_look_up`)."""
        self.ensure_one()
        before_key = self.env.context.get("spar_before_key")
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.partner.change",
            "name": title,
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_partner_id": self.id,
                "default_operation": operation,
                "spar_before_key": before_key,
            },
        }

    # === BUSINESS METHODS === #

    def spar_look_up(self):
        """What the mapper says of this contact, as it may be shown to a viewer.

        :return: ``outcome`` as of ``resolve_partners``; ``message``; ``id`` and ``address`` masked;
            ``provider`` and ``branch`` by name; ``since`` (ISO 8601); ``waiting``: how many changes
            are in the outbox; ``address_key``: digest of the address, that a change which waits
            replaces no other; ``can_change`` and ``can_show``: what the user may do
        :rtype: dict
        """
        self.ensure_one()
        self._check_spar_viewer()
        result = self._spar_resolve(self.env._("contact form"))
        connector, id_value = self._spar_connector_and_id()
        changes = self.env["g2p.spar.outbox"]
        waiting = changes.count_changes(connector, [id_value] if id_value else [])
        is_active = result["outcome"] == "id_active"
        return {
            "outcome": result["outcome"],
            "message": result["message"],
            "id": id_value and mask_id(id_value),
            "address": is_active and _masked(result),
            "provider": result["provider_name"],
            "branch": result["branch_name"] or result["branch_code"],
            "since": result["since"],
            "waiting": waiting.get(id_value, 0),
            "address_key": is_active and changes.address_key(result["fa"]),
            "can_change": self.env.user.has_group("g2p_spar_fa_directory.group_officer"),
            "can_show": is_active and bool(connector._show_address_action(id_value)),
        }

    def _check_spar_viewer(self):
        if not self.env.user.has_group("g2p_spar_fa_directory.group_viewer"):
            raise AccessError(self.env._("Only SPAR viewers may do this."))
        self.check_access("read")

    def _spar_resolve(self, purpose):
        """The contact's own address; it needs an officer, and what is told of it here does not."""
        connectors = self.env["g2p.spar.connector"].sudo()
        return connectors.resolve_partners(
            self, purpose=purpose, payees={self.id: self}, channel="back_office"
        )[self.id]

    def _spar_connector_and_id(self):
        connectors = self.env["g2p.spar.connector"].sudo()
        return (
            connectors._get_default(self.company_id or self.env.company),
            connectors.id_for_partners(self)[self.id],
        )


# === HELPERS === #


def _masked(result):
    if not result["number"]:
        return mask_fa(result["fa"])
    mask = mask_email if result["fa_type"] == EMAIL_WALLET else mask_number
    return mask(result["number"])
