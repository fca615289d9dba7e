# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models, tools


class ResUsers(models.Model):
    _inherit = "res.users"

    spar_password_changed_at = fields.Datetime(
        copy=False, groups=fields.NO_ACCESS, help="Of portal users who have logged in before."
    )

    def write(self, vals):
        """Override: see ``res.partner``. A first password, before any log-in, is no change."""
        if "login" in vals:
            self.env["g2p.spar.assisted.check"].note_own(self.sudo())
        result = super().write(vals)
        if vals.get("password"):
            changed = self.sudo().filtered(lambda user: user._is_portal() and user.login_date)
            if changed:
                now = fields.Datetime.now()
                super(ResUsers, changed).write({"spar_password_changed_at": now})
        return result

    @api.private
    def spar_recollect(self):
        """Have at hand what environments ask of a user, from the worker's memory. Odoo empties that
        when one of these changes."""
        for name, value in self._spar_kept(self.id).items():
            self._fields[name]._insert_cache(self.sudo(), [value])

    @tools.ormcache("user_id")
    def _spar_kept(self, user_id):
        user = self.sudo().browse(user_id)
        return {"active": user.active, "company_id": user.company_id.id}

    @api.private
    def spar_proves_from(self, delay):
        """From when on the password of a portal user proves who it is.

        :param timedelta delay: so long after password or e-mail address were changed
        :return: None where it does already
        :rtype: datetime | None
        """
        user = self.sudo()
        changed = (user.spar_password_changed_at, user.partner_id.spar_email_changed_at)
        latest = max(filter(None, changed), default=None)
        return latest + delay if latest and latest + delay > fields.Datetime.now() else None
