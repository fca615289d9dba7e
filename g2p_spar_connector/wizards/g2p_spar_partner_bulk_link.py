# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.g2p_spar_fa_directory.financial_address import FaError
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .. import partner_accounts, partner_result
from ..g2p_connect.values import Outcome
from ..partner_accounts import NoAccount
from .g2p_spar_partner_bulk_link_line import KINDS

_KIND_OF = {
    Outcome.ID_ACTIVE: "linked",
    Outcome.ID_INACTIVE: "suspended",
    partner_result.ID_MISSING: "no_id",
    partner_result.NO_CONNECTOR: "mapper",
}
# Whether somebody is linked while the mapper is away turns out in the outbox.
_OPEN = frozenset({Outcome.ID_NOT_FOUND, partner_result.UNAVAILABLE})


class Plan(NamedTuple):
    """Who is to be linked to which account, and who is not: `NoAccount` says why."""

    accounts: dict[int, dict]
    refused: dict[int, NoAccount]
    counts: dict[str, int]


class G2pSparPartnerBulkLink(models.TransientModel):
    """Link many contacts to the bank accounts and telephone numbers that they have on record.

    A preview tells how many will be linked, who will not, and why. The changes go through the
    outbox, put there in one transaction. Accounts are read from the contacts each time, and never
    kept here.
    """

    _name = "g2p.spar.partner.bulk.link"
    _description = "Link Contacts from Bank Accounts and Phones"

    # In no view, since thousands may have been chosen.
    partner_ids = fields.Many2many(
        "res.partner",
        string="Contacts",
        default=lambda self: self.env["res.partner"].browse(self.env.context.get("active_ids")),
    )
    use_accounts = fields.Boolean("Bank Accounts", default=True)
    use_phones = fields.Boolean(
        "Telephone Numbers",
        help="Of those without a bank account on record; of all where no bank accounts are used.",
    )
    wallet_provider_id = fields.Many2one(
        "g2p.fa.provider", "Mobile Wallet", domain="[('fa_type', '=', 'mobile_wallet')]"
    )
    phone_form = fields.Selection(
        [("e164", "With country code: +639170000001"), ("national", "Without it: 9170000001")],
        "Numbers",
        required=True,
        default="e164",
        help="How addresses at this wallet have the number.",
    )
    reason = fields.Char()
    state = fields.Selection([("choice", "Choice"), ("preview", "Preview")], default="choice")
    partner_count = fields.Integer(
        "Contacts Chosen",
        readonly=True,
        default=lambda self: len(self.env.context.get("active_ids") or ()),
    )
    id_count = fields.Integer("With an ID", readonly=True)
    account_count = fields.Integer("With a Readable Account", readonly=True)
    linked_count = fields.Integer("Linked Already", readonly=True)
    unknown_count = fields.Integer("Perhaps Linked", readonly=True)
    ready_count = fields.Integer("Will Be Linked", readonly=True)
    line_ids = fields.One2many("g2p.spar.partner.bulk.link.line", "dialog_id", readonly=True)
    summary = fields.Text("Will Not Be Linked", compute="_compute_summary")

    # === COMPUTE METHODS === #

    @api.depends("line_ids.kind")
    def _compute_summary(self):
        labels = self.env["g2p.spar.partner.bulk.link.line"]._fields["kind"]
        labels = dict(labels._description_selection(self.env))
        for dialog in self:
            groups = dialog.line_ids.grouped("kind")
            dialog.summary = "\n".join(
                f"{len(groups[kind])} × {labels[kind]}" for kind, _label in KINDS if kind in groups
            )

    # === ACTION METHODS === #

    def action_preview(self):
        """Say how many can be linked, and why the others cannot."""
        plan = self._plan()
        order = {kind: place for place, (kind, _label) in enumerate(KINDS)}
        refused = sorted(plan.refused.items(), key=lambda item: order[item[1].kind])
        self.line_ids.unlink()
        self.env["g2p.spar.partner.bulk.link.line"].create(
            [
                {"dialog_id": self.id, "partner_id": id_, "kind": refusal.kind, "why": refusal.why}
                for id_, refusal in refused
            ]
        )
        self.write(plan.counts | {"state": "preview"})
        return self._open_again()

    def action_back(self):
        self.state = "choice"
        return self._open_again()

    def action_link(self):
        """Put all who can be linked by now into the outbox."""
        accounts = self._plan().accounts
        if not accounts:
            raise UserError(self.env._("None of these contacts can be linked."))
        partners = self.env["res.partner"].browse(accounts)
        results = self.env["g2p.spar.connector"].link_partners(
            [(partner, accounts[partner.id]) for partner in partners],
            self.reason,
            queue=True,
            channel="back_office",
        )
        kept = sum(result["outcome"] == partner_result.QUEUED for result in results)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s changes are in the outbox.", kept),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _open_again(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "name": self._description,
            "views": [(False, "form")],
            "target": "new",
        }

    # === BUSINESS METHODS === #

    def _plan(self):
        """:rtype: Plan"""
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_fa_directory.group_officer"):
            raise AccessError(self.env._("Your role does not allow this."))
        partners = self.partner_ids
        told = self.env["g2p.spar.connector"].resolve_partners(
            partners,
            purpose=self.env._("preview of linking many contacts"),
            payees={partner.id: partner for partner in partners},
            channel="back_office",
        )
        found = self._readable_accounts(partners)
        waiting = self._waiting(partners, told)
        accounts, refused, taken = {}, {}, {}
        for partner in partners:
            account = found.get(partner.id, NoAccount("no_account"))
            if partner.id in waiting:
                account = NoAccount("waits")
            problem = _problem(told[partner.id], taken.get(_key(told[partner.id])), account)
            if problem:
                refused[partner.id] = problem
            else:
                accounts[partner.id] = account
                taken[_key(told[partner.id])] = partner.display_name
        return Plan(accounts, refused, _counts(told, found, accounts))

    def _waiting(self, partners, told):
        """Those of whose ID a change waits, by id of the partner."""
        connectors, changes = self.env["g2p.spar.connector"].sudo(), self.env["g2p.spar.outbox"]
        waiting = set()
        of_partner = connectors._connectors_of(connectors._by_company(partners.sudo()))
        for connector in connectors.union(*of_partner.values()):
            ids = {id_: told[id_]["id"] for id_, own in of_partner.items() if own == connector}
            ahead = changes.count_changes(connector, list(filter(None, ids.values())))
            waiting |= {partner_id for partner_id, id_ in ids.items() if id_ in ahead}
        return waiting

    def _readable_accounts(self, partners):
        """By id of the partner: the account that an address can be made of, or `NoAccount`."""
        accounts = partner_accounts.bank_accounts(partners) if self.use_accounts else {}
        if self.use_phones:
            if not self.wallet_provider_id:
                raise UserError(self.env._("Choose the mobile wallet of the telephone numbers."))
            left = partners.filtered(lambda partner: partner.id not in accounts)
            accounts |= partner_accounts.phone_accounts(
                left, self.wallet_provider_id, self.phone_form == "national"
            )
        sound = {id_: item for id_, item in accounts.items() if isinstance(item, dict)}
        made = self.env["g2p.fa.directory"].construct_accounts(list(sound.values()))
        for id_, address in zip(sound, made, strict=True):
            if isinstance(address, FaError):
                accounts[id_] = NoAccount("refused", address.message)
        return accounts


# === HELPERS === #


def _key(result):
    return id_key(result["id"] or "")


def _problem(result, other_name, account):
    """Why a contact cannot be linked, None if it can.

    :param result: of ``resolve_partners``
    :param other_name: of the contact with the same ID that will be linked
    """
    if result["outcome"] not in _OPEN:
        kind = _KIND_OF.get(result["outcome"], "mapper")
        return NoAccount(kind, None if kind in ("linked", "suspended") else result["message"])
    if isinstance(account, NoAccount):
        return account
    return NoAccount("same_id", other_name) if other_name else None


def _counts(told, found, accounts):
    outcomes = [result["outcome"] for result in told.values()]
    return {
        "id_count": sum(bool(result["id"]) for result in told.values()),
        "account_count": sum(isinstance(account, dict) for account in found.values()),
        "linked_count": outcomes.count(Outcome.ID_ACTIVE),
        "unknown_count": outcomes.count(partner_result.UNAVAILABLE),
        "ready_count": len(accounts),
    }
