# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging

from odoo import fields, models
from odoo.tools import format_date
from odoo.tools.misc import get_lang

from odoo.addons.g2p_spar_connector.safe_log import describe

from ..languages import tag

_logger = logging.getLogger(__name__)

CANCEL_PATH = "/my/financial-address/cancel/"
ADDRESS_PATH = "/my/financial-address"


class G2pSparChange(models.Model):
    """How people hear of a change: at the contacts that their sign-in has verified, and at those
    known before (``g2p.spar.known.contact``). No notice names an address.

    E-mail goes through Odoo. Another way, such as SMS, extends ``_send_notice``:

        def _can_tell(self, contact):
            return super()._can_tell(contact) or bool(contact.get("phone"))

        def _send_notice(self, contact, notice, cancel_url=None):
            super()._send_notice(contact, notice, cancel_url)
            if contact.get("phone"):
                text = self.with_context(lang=...)._notice_text(notice)
                my_sms_gateway.queue(contact["phone"], f"{text} {cancel_url or ''}")
    """

    _inherit = "g2p.spar.change"

    def _notify(self, notice, tokens=None):
        """Tell all contacts of this change.

        :param str notice: "requested", or the state in which the change has ended
        :param tokens: of the links that cancel it, by digests of contacts
        """
        for contact in self._told_contacts():
            token = (tokens or {}).get(contact.get("digest"))
            cancel_url = token and f"{self.get_base_url()}{CANCEL_PATH}{token}"
            lang = get_lang(self.env, contact.get("lang") or self.lang).code
            try:
                with self.env.cr.savepoint():
                    self.with_context(lang=lang)._send_notice(contact, notice, cancel_url)
            except Exception as error:  # noqa: BLE001 - what was done stays done
                _logger.error("Notice of change %s: %s", self.id, describe(error))

    def _send_notice(self, contact, notice, cancel_url=None):
        """Hook: send one notice to one contact. To be extended by other ways than e-mail.

        Nothing may be sent before the transaction is committed: put it into a queue.

        :param dict contact: ``email`` and ``phone``, each of them None or empty where unknown
        :param str notice: "requested", "applied", "cancelled", "refused" or "failed"
        :param cancel_url: address of the page that cancels the change; "requested" only, and None
            for a former contact that has stopped a change already
        """
        if not contact.get("email"):
            return
        subject, text = self._notice_subject(notice), self._notice_text(notice)
        company, lang = self._company().recollect(), get_lang(self.env)
        body = self.env["ir.qweb"]._render(
            "g2p_spar_self_service.notice",
            {
                "change": self,
                "subject": subject,
                "text": text,
                "cancel_url": cancel_url,
                "home_url": f"{self.get_base_url()}{ADDRESS_PATH}",
                "company": company,
                "contact_text": company.spar_contact,
                "html_lang": tag(lang.code),
                "html_dir": lang.direction,
            },
        )
        self.env["mail.mail"].sudo().create(
            {
                "spar_change_id": self.id,
                "subject": subject,
                "body_html": body,
                "author_id": company.partner_id.id,
                "email_to": contact["email"],
                "email_from": company.spar_sender()
                or company.email_formatted
                or self.env["ir.mail_server"]._get_default_from_address(),
                "auto_delete": True,
            }
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    def _can_tell(self, contact):
        """Hook: whether `_send_notice` reaches a contact. Extend both alike."""
        return bool(contact.get("email"))

    def _company(self):
        self.env.user.spar_recollect()
        return self.connector_id.recollect().company_id or self.env.company

    def _notice_subject(self, notice):
        return {
            "requested": self.env._("Where you are paid is about to change"),
            "applied": self.env._("Where you are paid has changed"),
            "cancelled": self.env._("Where you are paid stays as it was"),
        }.get(notice, self.env._("Where you are paid has not changed"))

    def _notice_text(self, notice):
        """One sentence or two, without the address, in the language of the context."""
        values = {"date": self._due_date()} if notice == "requested" else {}
        if notice == "requested" and self.operation == "unlink":
            text = self.env._(
                "You asked to remove the account that you are paid to. It stays until %(date)s."
            )
        elif notice == "requested":
            text = self.env._(
                "You asked to be paid to another account. From %(date)s on it will be used; until "
                "then, nothing changes."
            )
        elif notice == "applied" and self.operation == "unlink":
            text = self.env._("The account that you are paid to was removed, as you asked.")
        elif notice == "applied":
            text = self.env._("You are now paid to the account that you chose.")
        elif notice == "cancelled":
            text = self.env._(
                "The change that you had asked for was cancelled. Nothing has changed."
            )
        else:
            text = self.env._("The change that you had asked for was not made. %(why)s")
            values["why"] = self.outcome_text or ""
        return (text % values).strip()

    def _due_date(self):
        """In words, where the company is."""
        zone = self._company().spar_timezone()
        due = fields.Datetime.context_timestamp(self.with_context(tz=zone), self.due_at)
        return format_date(self.env, due.date(), date_format="long")
