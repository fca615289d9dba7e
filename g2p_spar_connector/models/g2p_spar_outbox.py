# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.g2p_spar_fa_directory.financial_address import (
    FinancialAddress,
    fa_key,
    mask_fa,
)
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from ..g2p_connect import jsonio
from ..g2p_connect.values import ITEM_TYPES
from ..secret import SecretKeyMissing, digester, seal, unseal

_logger = logging.getLogger(__name__)

SEAL_PURPOSE = "outbox"
PERSON_PURPOSE = "outbox person"
ADDRESS_PURPOSE = "outbox address before"
# Then a change that the mapper never answered is given up.
GIVE_UP = timedelta(days=7)
KEPT_DAYS = 30
GC_LIMIT = 1000

INSERT = """
INSERT INTO g2p_spar_outbox (connector_id, company_id, operation, partner_id, person_key,
    item_sealed, before_key, fa_masked, state, alone, try_count, next_try_at, give_up_at, user_id,
    actor_kind, actor_name, channel, reason, create_uid, create_date, write_uid, write_date)
SELECT %(connector)s, coalesce(%(company)s, partner.company_id), %(operation)s, new.partner_id,
    new.person_key, new.item_sealed, %(before)s, new.fa_masked, 'waiting', FALSE, %(tries)s,
    %(now)s, %(give_up_at)s, %(user_id)s, %(kind)s, %(name)s, %(channel)s,
    %(reason)s, %(uid)s, %(now)s, %(uid)s, %(now)s
FROM unnest(%(partners)s::int[], %(keys)s::text[], %(items)s::text[], %(masks)s::text[])
    WITH ORDINALITY AS new(partner_id, person_key, item_sealed, fa_masked, place)
LEFT JOIN res_partner AS partner ON partner.id = new.partner_id
ORDER BY new.place
RETURNING id"""

# The digest of the person stays: others of theirs may follow, and have an order.
FORGET = """
UPDATE g2p_spar_outbox SET partner_id = NULL, fa_masked = NULL, item_sealed = NULL,
    before_key = NULL, problem = NULL, reason = NULL,
    state = CASE WHEN state IN ('waiting', 'failed') THEN 'cancelled' ELSE state END,
    done_at = coalesce(done_at, now() AT TIME ZONE 'UTC')
WHERE person_key = ANY(%s) AND (item_sealed IS NOT NULL OR fa_masked IS NOT NULL
    OR partner_id IS NOT NULL)"""


class G2pSparOutbox(models.Model):
    """Changes that are to reach a mapper, also when it is away now: one row for each change of a
    person, carried out in the order in which they were put here.

    Addresses and IDs are sealed, and for nobody to read; the address is wiped once it got there.
    How rows are worked off is in ``g2p_spar_outbox_lane.py``.
    """

    _name = "g2p.spar.outbox"
    _description = "SPAR Outbox"
    _order = "id desc"
    _rec_name = "partner_id"
    _allow_sudo_commands = False

    connector_id = fields.Many2one(
        "g2p.spar.connector", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        index="btree_not_null",
        help="Of the connector, else of the contact.",
    )
    operation = fields.Selection(
        [("link", "Link"), ("update", "Change"), ("unlink", "Remove")],
        required=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, ondelete="set null", index="btree_not_null"
    )
    fa_masked = fields.Char("Address", readonly=True)
    person_key = fields.Char(
        required=True, groups=fields.NO_ACCESS, help="Digest of the ID: whose changes have an order"
    )
    item_sealed = fields.Text(groups=fields.NO_ACCESS)
    before_key = fields.Char(
        groups=fields.NO_ACCESS,
        help="Digest of the address that it is to replace, where that is known",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="waiting",
    )
    problem = fields.Char(readonly=True)
    try_count = fields.Integer("Tries", readonly=True)
    alone = fields.Boolean(
        readonly=True, help="It has failed in an unexpected way: then it is sent by itself."
    )
    is_paced = fields.Boolean(
        readonly=True, help="Its next try is that late only because the mapper is away."
    )
    next_try_at = fields.Datetime("Next Try", readonly=True)
    give_up_at = fields.Datetime("Given Up On", readonly=True)
    done_at = fields.Datetime("Ended On", readonly=True)
    # on whose behalf: see g2p_connect.values.Actor
    user_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    actor_kind = fields.Char(readonly=True)
    actor_name = fields.Char("Who", readonly=True)
    channel = fields.Char(readonly=True)
    reason = fields.Char(readonly=True)

    _due_idx = models.Index("(try_count, next_try_at, id) WHERE state = 'waiting'")
    _person_idx = models.Index("(person_key, id)")
    _ended_idx = models.Index("(done_at) WHERE state <> 'waiting'")

    # === ACTIONS === #

    def action_retry(self):
        """Try failed changes again, at once and for another seven days."""
        self._check_officer()
        if any(change.state != "failed" for change in self):
            raise UserError(self.env._("Only failed changes can be tried again."))
        if self._overtaken():
            raise UserError(
                self.env._(
                    "A later change of this person was made since: this one would undo it. "
                    "Look at the contact and change the address there."
                )
            )
        now = fields.Datetime.now()
        self.sudo().write(
            {
                "state": "waiting",
                "next_try_at": now,
                "give_up_at": now + GIVE_UP,
                # it may have been carried out; and the waits begin anew
                "try_count": 1,
                "done_at": False,
            }
        )
        self._wake()

    def action_cancel(self):
        """Give changes up. One that is under way at this moment may still be carried out."""
        self._check_officer()
        if any(change.state not in ("waiting", "failed") for change in self):
            raise UserError(self.env._("Only waiting and failed changes can be cancelled."))
        self.sudo().write(
            {"state": "cancelled", "done_at": fields.Datetime.now(), "item_sealed": False}
        )

    def _check_officer(self):
        if not self.env.user.has_group("g2p_spar_fa_directory.group_officer"):
            raise AccessError(self.env._("Only SPAR officers may do this."))
        self.check_access("read")

    def _overtaken(self):
        """Whether for one of these persons a later change waits or was made."""
        self.env.cr.execute(
            """SELECT EXISTS (SELECT FROM g2p_spar_outbox AS change JOIN g2p_spar_outbox AS later
                ON later.connector_id = change.connector_id
                AND later.person_key = change.person_key AND later.id > change.id
            WHERE change.id = ANY(%s) AND later.state IN ('waiting', 'done'))""",
            [self.ids],
        )
        return self.env.cr.fetchone()[0]

    # === BUSINESS METHODS === #

    @api.private
    def put(self, connector, operation, entries, actor):
        """Put changes on record; they reach the mapper after this transaction is committed.

        Who may do so is checked by the caller. The number of statements does not depend on the
        number of entries. With the context key ``spar_tried`` the mapper was asked before, and may
        have carried them out; ``spar_before_key`` is the ``address_key`` of what is to be replaced.

        :param connector: one ``g2p.spar.connector``
        :param str operation: link, update or unlink
        :param entries: (id of the contact, item of that operation without a problem) pairs
        :type entries: Sequence[tuple[int, LinkItem | UpdateItem | UnlinkItem]]
        :param Actor actor: on whose behalf
        :rtype: G2pSparOutbox
        """
        if not entries:
            return self.browse()
        partner_ids, items = zip(*entries, strict=True)
        person_key = digester(PERSON_PURPOSE)
        now = fields.Datetime.now()
        self.env.flush_all()
        self.env.cr.execute(
            INSERT,
            {
                "connector": connector.id,
                "company": connector.company_id.id or None,
                "operation": operation,
                "partners": list(partner_ids),
                "keys": [person_key(id_key(item.id)).hex() for item in items],
                "items": [seal(jsonio.dumps(list(item)), SEAL_PURPOSE) for item in items],
                "before": self.env.context.get("spar_before_key") or None,
                "masks": self._masks(items),
                "tries": int(bool(self.env.context.get("spar_tried"))),
                "now": now,
                "give_up_at": now + GIVE_UP,
                "user_id": actor.user_id,
                "kind": actor.kind,
                "name": actor.name,
                "channel": actor.channel,
                "reason": actor.reason,
                "uid": self.env.uid,
            },
            log_exceptions=False,
        )
        changes = self.browse([id_ for [id_] in self.env.cr.fetchall()])
        self._wake()
        return changes

    @api.private
    def count_changes(self, connector, ids, states=("waiting",)):
        """How many changes of each of these IDs are in one of these states, whichever contacts
        they were made for.

        :param connector: one ``g2p.spar.connector``, or none
        :return: only for IDs that have some
        :rtype: dict[str, int]
        :raise UserError: there are changes, but no key to tell whose
        """
        domain = [("connector_id", "=", connector.id), ("state", "in", states)]
        if not ids or not self.sudo().search_count(domain, limit=1):
            return {}
        try:
            person_key = digester(PERSON_PURPOSE)
        except SecretKeyMissing as error:
            raise UserError(str(error)) from None
        keys = {id_: person_key(id_key(id_)).hex() for id_ in ids}
        self.env.cr.execute(
            """SELECT person_key, count(*) FROM g2p_spar_outbox
            WHERE person_key = ANY(%s) AND connector_id = %s AND state = ANY(%s)
            GROUP BY person_key""",
            [list(set(keys.values())), connector.id, list(states)],
        )
        counts = dict(self.env.cr.fetchall())
        return {id_: counts[key] for id_, key in keys.items() if key in counts}

    @api.private
    def address_key(self, fa):
        """A digest by which an address can be known again, and nothing else be learnt."""
        return digester(ADDRESS_PURPOSE)(fa_key(fa)).hex()

    @api.private
    def forget(self, ids):
        """Leave nothing readable of changes of these people, and cancel those that wait. One that
        is under way at this moment may still be carried out.

        :return: how many there were
        :rtype: int
        """
        person_key = digester(PERSON_PURPOSE)
        self.env.flush_all()
        self.env.cr.execute(FORGET, [[person_key(id_key(id_)).hex() for id_ in ids]])
        count = self.env.cr.rowcount
        self.invalidate_model()
        return count

    def _masks(self, items):
        """The address of each item as it may be shown; None where there is none."""
        read = self.env["g2p.fa.directory"].parse_fas([item.fa for item in items])
        return [
            (address.masked if isinstance(address, FinancialAddress) else mask_fa(item.fa))
            if item.fa
            else None
            for item, address in zip(items, read, strict=True)
        ]

    def _item(self):
        return ITEM_TYPES[self.operation](*jsonio.loads(unseal(self.item_sealed, SEAL_PURPOSE)))

    def _wake(self):
        self.env.ref("g2p_spar_connector.cron_outbox").sudo()._trigger()

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        old = self.search([("state", "!=", "waiting"), ("done_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT
