# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from collections.abc import Iterable, Sequence
from typing import Literal

from odoo import api, fields, models, tools
from odoo.exceptions import UserError

from ..g2p_connect.values import Actor, Item, Result, UnlinkItem, refusal


class G2PSparConnector(models.Model):
    """The way to a mapper. Its methods are the interface between people's pages or programmes
    and whatever mapper a country uses.

    A backend is an addon that extends the selection `backend` and the two hooks `_call` and
    `_capabilities`.
    """

    _name = "g2p.spar.connector"
    _inherit = "g2p.spar.kept"
    _description = "SPAR Connector"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="Where a company has several connectors, the first one is used."
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        help="Empty: for all companies that have no connector of their own.",
    )
    backend = fields.Selection(
        [("none", "None"), ("g2p_connect", "Another Mapper")],
        required=True,
        default="none",
        help="Where the mapper is. None: operations are refused.",
    )

    # === BUSINESS METHODS ===#

    @api.model
    def _get_default(self, company=None):
        """The connector of a company (by default the current one): its own before a common one.

        Returns an empty recordset when there is none. The connector comes in superuser mode:
        who may call it on whose behalf is checked by the caller, who then names an actor.
        """
        company = company or self.env.company
        return self.browse(self._default_ids(company.id)).recollect()

    @tools.ormcache("company_id")
    def _default_ids(self, company_id):
        connectors = self.sudo().search_fetch(
            [("active", "=", True), ("company_id", "in", (company_id, False))]
        )
        return connectors.sorted(lambda connector: not connector.company_id)[:1].ids

    @api.private
    def within(self, seconds):
        """These connectors for somebody who waits: each call ends after so many seconds, or after
        as few as the connector's own settings allow. What had no answer by then is a result with
        the outcome `RETRY`.

        :param float seconds: for all messages of a call and their repetitions
        """
        return self.with_context(spar_within_seconds=seconds)

    # The ORM has methods `update` and `unlink` of its own, hence the longer names.

    @api.private
    def link_items(self, actor: Actor, items: Sequence[Item]) -> list[Result]:
        """Link IDs to financial addresses (`LinkItem`). One result for each item, in order.

        Errors of items are results. Raises `UserError` when the backend cannot be used at all.
        The same holds for the other operations.
        """
        return self._run("link", actor, items)

    @api.private
    def update_items(self, actor: Actor, items: Sequence[Item]) -> list[Result]:
        """Change the addresses of linked IDs (`UpdateItem`)."""
        return self._run("update", actor, items)

    @api.private
    def unlink_items(self, actor: Actor, items: Sequence[Item]) -> list[Result]:
        """Remove the addresses of IDs (`UnlinkItem`)."""
        return self._run("unlink", actor, items)

    @api.private
    def resolve_items(
        self, actor: Actor, items: Sequence[Item], parts: bool = False
    ) -> list[Result]:
        """Look addresses up (`ResolveItem`).

        :param parts: where details are asked for, fill also `Result.address` if the mapper can
            read the address, and `name`, `phone_number` and `since` if it knows them
        """
        return self._run("resolve", actor, items, parts=parts)

    @api.private
    def suspend_items(self, actor: Actor, items: Sequence[UnlinkItem]) -> list[Result]:
        """Stop answers for IDs until they are reactivated. Needs the capability "suspend"."""
        self._require("suspend")
        return self._run("suspend", actor, items)

    @api.private
    def reactivate_items(self, actor: Actor, items: Sequence[UnlinkItem]) -> list[Result]:
        """Answer for suspended IDs again. Needs the capability "suspend"."""
        self._require("suspend")
        return self._run("reactivate", actor, items)

    @api.private
    def ever_linked(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these IDs are linked or once were. Needs the capability "history"."""
        self._require("history")
        return frozenset(self._ever_linked(ids))

    @api.private
    def capabilities(self) -> frozenset[str]:
        """What the backend can beyond the standard.

        "history": `ever_linked`; "since": results of `resolve_items` with parts say since
        when; "suspend": `suspend_items` and `reactivate_items`.
        """
        self.ensure_one()
        return frozenset(self._capabilities())

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities():
            raise UserError(
                self.env._(
                    "The mapper behind the connector %(name)s cannot do this (%(capability)s).",
                    name=self.name,
                    capability=capability,
                )
            )

    def _run(self, operation: str, actor: Actor, items: Sequence[Item], **options) -> list[Result]:
        """Items that carry a problem are answered here and never reach the backend."""
        self.ensure_one()
        sound = [item for item in items if item.problem is None]
        answered = self._call(operation, actor, sound, **options) if sound else []
        asked = [item.reference_id for item in sound]
        if [result.reference_id for result in answered] != asked:
            raise RuntimeError(f"The backend {self.backend} did not answer item by item")
        results = iter(answered)
        return [refusal(item) if item.problem else next(results) for item in items]

    # === HOOKS ===#

    def _call(
        self, operation: str, actor: Actor, items: Sequence[Item], **options
    ) -> Sequence[Result]:
        """Carry an operation out. To be extended by a backend:

            if self.backend != "mine":
                return super()._call(operation, actor, items, **options)

        :param operation: one of `g2p_connect.values.OPERATIONS`; "suspend" and "reactivate"
            where the backend has the capability
        :param items: items of that operation, none of them with a problem
        :param options: keywords of the operation's own method: `parts` of `resolve_items`
        :return: one result for each item, in their order
        """
        raise UserError(
            self.env._(
                "The connector %s has no backend. Choose one in SPAR / Configuration / Connectors.",
                self.name,
            )
        )

    def _capabilities(self) -> Sequence[str]:
        """To be extended like `_call`."""
        return ()

    def _show_address_action(self, id_value: str) -> dict | Literal[False]:
        """What opens the whole address of an ID for the current user, who has to say why and is
        put on record; False where the mapper has no such thing, or the user may not.

        To be extended like `_call`.
        """
        return False

    def _ever_linked(self, ids: Sequence[str]) -> Iterable[str]:
        """To be extended like `_call`, by backends with the capability "history"."""
        return ()
