# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import werkzeug.exceptions

from odoo.exceptions import UserError
from odoo.http import Controller, request, route

from .. import current_address
from ..receipt import read_number
from ..web import HOME_PATH, LANDING_PATH, only_reads, page, redirect, site_company

RECEIPT_PATH = f"{LANDING_PATH}/receipt"
CANCEL_PATH = f"{LANDING_PATH}/cancel"
HISTORY_PATH = f"{LANDING_PATH}/history"
HELP_PATH = f"{LANDING_PATH}/help"


class Pages(Controller):
    """What a person sees of their own address and of the changes that they have asked for."""

    @route(HOME_PATH, type="http", auth="spar_beneficiary", methods=["GET"], readonly=only_reads)
    def address(self, **_parameters):
        """Where the person is paid now, masked, and what is about to change."""
        person = request.spar_person
        if person.user:
            request.env["g2p.spar.change"].note_contacts_of(person.user)
        current = request.env["g2p.spar.self.service"].current(person)
        pending = request.env["g2p.spar.change"].pending_of(person.id)
        if current.state == current_address.AWAY and not pending:
            return unavailable()
        values = {"current": current, "pending": pending, "latest": None}
        status = 503 if current.state == current_address.AWAY else 200
        return show("page_address", values, status=status)

    @route(HISTORY_PATH, type="http", auth="spar_beneficiary", methods=["GET"], readonly=only_reads)
    def history(self, **_parameters):
        """What the person has asked for, and what became of it."""
        changes = request.env["g2p.spar.change"].of_person(request.spar_person.id)
        return show("page_history", {"changes": changes})

    @route(
        f"{RECEIPT_PATH}/<string:number>",
        type="http",
        auth="spar_beneficiary",
        methods=["GET"],
        readonly=only_reads,
    )
    def receipt(self, number, **_parameters):
        """The receipt of one change of the person's own."""
        change = own_change(number)
        if not change:
            raise werkzeug.exceptions.NotFound()
        return show("page_receipt", {"change": change})

    @route(CANCEL_PATH, type="http", auth="spar_beneficiary", methods=["POST"])
    def cancel(self, number="", **_parameters):
        """Cancel the person's own pending change."""
        change = own_change(number)
        if not change:
            raise werkzeug.exceptions.NotFound()
        try:
            change.cancel("by_person", person=request.spar_person)
        except UserError as error:
            return refused(error)
        return redirect(f"{RECEIPT_PATH}/{change.number}")

    @route(f"{CANCEL_PATH}/<string:token>", type="http", auth="public", methods=["GET"])
    def cancel_link(self, token, **_parameters):
        """Where the link in a notice leads. It changes nothing: programs open links too."""
        change = request.env["g2p.spar.change.link"].of_token(token).change_id
        status = 200 if change else 404
        return show("page_cancel", {"change": change, "token": token}, status=status)

    @route(f"{CANCEL_PATH}/<string:token>", type="http", auth="public", methods=["POST"])
    def cancel_by_link(self, token, **_parameters):
        """Cancel a change without signing in: whoever reads the person's messages may do that,
        since it leaves things as they are."""
        link = request.env["g2p.spar.change.link"].of_token(token)
        if link:
            try:
                link.cancel()
            except UserError as error:
                return refused(error)
        return redirect(f"{CANCEL_PATH}/{token}") if link else self.cancel_link(token)

    @route(HELP_PATH, type="http", auth="public", methods=["GET"], readonly=only_reads)
    def help(self, **_parameters):
        """What the ministry has to say."""
        # whoever is signed in finds the way back and the way out, and whom an agent helps
        request.spar_person = request.env["ir.http"]._spar_person()
        return show("page_help", {"help_text": site_company().spar_help})


def show(template, values, **options):
    """A page of ours, with the way to the other pages around it."""
    if not request.env.context.get("tz"):
        request.update_context(tz=site_company().spar_timezone())
    return page(f"g2p_spar_self_service.{template}", values, **options)


def unavailable():
    """The mapper gives no answer: nothing is half done."""
    return show("page_unavailable", {}, status=503)


def refused(error):
    """What the person asked for cannot be done, for a reason that they can read."""
    return show("page_refused", {"reason": str(error)}, status=409)


def own_change(number):
    """A change of the person before us; empty for anybody else's, as for none."""
    changes = request.env["g2p.spar.change"]
    number = read_number(number)
    return changes.receipt_of(request.spar_person.id, number) if number else changes
