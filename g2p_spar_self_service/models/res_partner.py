# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    spar_email_changed_at = fields.Datetime(
        copy=False, groups=fields.NO_ACCESS, help="Of contacts of portal users."
    )

    # whose reference it is, whatever the case of its letters: asked for at each click
    _spar_ref_idx = models.Index('(lower(ref COLLATE "C")) WHERE ref IS NOT NULL')

    def write(self, vals):
        """Override: whoever takes a portal user's session over could have the password sent to an
        e-mail address of their own. So it counts when it was changed, and the one before is told
        of changes. What was an agent's own is remembered."""
        checks = self.env["g2p.spar.assisted.check"]
        if vals.keys() & checks.own_fields():
            checks.note_own(self.sudo().user_ids)
        changed = self._spar_changing_email(vals)
        for user in changed.user_ids:
            self.env["g2p.spar.change"].note_contacts_of(user)
        result = super().write(vals)
        of_companies = self.env["res.company"].spar_partner_ids()
        if vals.keys() & {"name", "tz", "email"} and not of_companies.isdisjoint(self.ids):
            self.env.registry.clear_cache()
        if changed:
            super(ResPartner, changed).write({"spar_email_changed_at": fields.Datetime.now()})
        return result

    def unlink(self):
        """Override: merging contacts gives a company another one by SQL, then deletes its own."""
        was_of_company = not self.env["res.company"].spar_partner_ids().isdisjoint(self.ids)
        result = super().unlink()
        if was_of_company:
            self.env.registry.clear_cache()
        return result

    def _spar_changing_email(self, vals):
        """Contacts of portal users that get another e-mail address; superuser mode."""
        partners = self.sudo()
        if "email" not in vals:
            return partners.browse()
        return partners.filtered(
            lambda partner: (
                (partner.email or "") != (vals["email"] or "")
                and any(user._is_portal() for user in partner.user_ids)
            )
        )
