# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import uuid
import zlib
from datetime import UTC, timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..g2p_connect import client_async, jsonio
from ..g2p_connect.client import NoAnswer
from ..g2p_connect.client_async import AsyncClient
from ..g2p_connect.values import ITEM_TYPES, AccountProvider, Outcome, Result
from ..safe_log import describe
from ..secret import SealBroken, SecretKeyMissing, seal, unseal
from ..transaction import read_committed

_logger = logging.getLogger(__name__)

SEAL_PURPOSE = "remote message"
# After a try to hand a message over that failed, and between questions what became of one.
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=12)
# A callback has so long before it is asked for.
CALLBACK_PATIENCE = timedelta(minutes=5)
# Then nothing more is expected of a message.
GIVE_UP = timedelta(days=7)
# A callback may come again for so long after its results were taken.
REPETITIONS = timedelta(days=1)
KEPT_DAYS = 30
GC_LIMIT = 1000

CLAIM = """
UPDATE g2p_spar_remote_message SET try_count = try_count + 1,
    next_try_at = %(now)s + least(%(first)s * power(2, least(try_count, 20)), %(longest)s)
WHERE id = (
    SELECT id FROM g2p_spar_remote_message AS message
    WHERE state IN ('waiting', 'sent') AND next_try_at <= %(now)s
        -- messages of a connector are handed over in their order
        AND (state = 'sent' OR NOT EXISTS (
            SELECT FROM g2p_spar_remote_message AS before
            WHERE before.connector_id = message.connector_id AND before.state = 'waiting'
                AND before.id < message.id))
    ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id"""


class G2pSparRemoteMessage(models.Model):
    """A message that was handed over to another mapper, or is to be, whose results come later.

    What it holds of people is sealed, and for nobody to read. Whoever submitted it looks at
    ``state`` and takes the ``results``.
    """

    _name = "g2p.spar.remote.message"
    _description = "Message to Another Mapper"
    _order = "id desc"
    _rec_name = "message_id"

    connector_id = fields.Many2one(
        "g2p.spar.connector", required=True, readonly=True, ondelete="cascade", index=True
    )
    operation = fields.Selection(
        [("link", "Link"), ("update", "Update"), ("unlink", "Unlink"), ("resolve", "Resolve")],
        required=True,
        readonly=True,
    )
    message_id = fields.Char("Message ID", required=True, readonly=True)
    # Who knows it may call back.
    transaction_id = fields.Char(required=True, groups=fields.NO_ACCESS)
    correlation_id = fields.Char("Correlation ID", readonly=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("sent", "Handed Over"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="waiting",
    )
    item_count = fields.Integer("Items", readonly=True)
    try_count = fields.Integer("Tries", readonly=True, default=0)
    next_try_at = fields.Datetime("Next Try", readonly=True, default=fields.Datetime.now)
    sent_at = fields.Datetime("Handed Over On", readonly=True)
    done_at = fields.Datetime("Ended On", readonly=True)
    problem = fields.Char("Last Problem", readonly=True)
    maybe_accepted = fields.Boolean(
        readonly=True,
        help="The other mapper has accepted the message, or a try ended so that it may have.",
    )
    # Kept as long as results may come.
    items_sealed = fields.Text(groups=fields.NO_ACCESS)
    results_sealed = fields.Text(groups=fields.NO_ACCESS)

    _transaction_unique = models.UniqueIndex("(transaction_id)")
    _due = models.Index("(next_try_at) WHERE state IN ('waiting', 'sent')")

    # === BUSINESS METHODS === #

    @api.private
    def submit(self, connector, operation, items):
        """Put a message on record, to be handed over in a moment.

        :param items: of one message, none of them with a problem
        :rtype: G2pSparRemoteMessage
        """
        message = self.sudo().create(
            {
                "connector_id": connector.id,
                "operation": operation,
                "message_id": uuid.uuid4().hex,
                "transaction_id": uuid.uuid4().hex,
                "item_count": len(items),
                "items_sealed": _sealed([list(item) for item in items]),
            }
        )
        self.env.ref("g2p_spar_connector.cron_remote_messages").sudo()._trigger()
        return message

    @api.private
    def results(self):
        """One result for each item, in their order; None as long as they are not there, and where
        the message has failed since it cannot be read.

        :rtype: list[g2p_connect.values.Result] | None
        """
        self.ensure_one()
        sealed = self.sudo().results_sealed
        return [_as_result(values) for values in _unsealed(sealed)] if sealed else None

    @api.private
    def of_transaction(self, transaction_id, operation):
        """The message of that transaction, locked; empty where there is none.

        :rtype: G2pSparRemoteMessage
        """
        message = self.search(
            [("transaction_id", "=", transaction_id), ("operation", "=", operation)]
        )
        return message._locked()

    @api.private
    def most_items_expected(self):
        """Of the messages that a callback may be about, how many items the largest has; 0: there
        is none such.

        :rtype: int
        """
        lately = fields.Datetime.now() - REPETITIONS
        domain = (
            Domain("state", "in", ("waiting", "sent"))
            | Domain("done_at", ">=", lately)
            | Domain([("state", "=", "failed"), ("maybe_accepted", "=", True)])
        )
        [[most]] = self._read_group(domain, [], ["item_count:max"])
        return most or 0

    @api.private
    def check_callback(self, raw, payload, signature_header):
        """Raise `SignatureProblem` unless a callback is signed as its connector demands."""
        check = self.connector_id._answer_check()
        if check:
            check(raw, payload, signature_header)

    @api.private
    def receive(self, callback):
        """Take over what a callback tells, once; a repetition changes nothing. It counts as well
        after the message was given up without knowing whether it was done.

        :param callback: a ``client_async.Callback`` about this message
        """
        self.ensure_one()
        if not self.sudo().items_sealed or callback.results is None:
            return
        items = self._items()
        client = self._client()
        self.problem = False
        self._finish(client.results(self.operation, items, self.transaction_id, callback.results))

    def _finished(self):
        """Hook for those who submit messages: the results are there, or it has failed. A failed
        message of which it was not known whether it was done may still become a done one: then
        this is called again."""

    def _client(self):
        connector = self.connector_id
        return AsyncClient(connector._remote_terms(), connector._remote_line().send)

    def _items(self):
        kind = ITEM_TYPES[self.operation]
        return [kind(*values) for values in _unsealed(self.sudo().items_sealed)]

    def _finish(self, results, state="done"):
        """:param results: None where there is no telling"""
        values = {"state": state, "done_at": fields.Datetime.now()}
        if results is not None:
            values["results_sealed"] = _sealed([_as_list(result) for result in results])
        if state == "done" or not self.maybe_accepted:
            values["items_sealed"] = False
        self.write(values)
        self._finished()

    def _locked(self):
        """This message as it is when its lock was had; empty where it is gone by then.

        It waits, which ``lock_for_update`` does not.
        """
        self.flush_recordset()
        self.env.cr.execute(
            "SELECT id FROM g2p_spar_remote_message WHERE id = ANY(%s) FOR UPDATE", [self.ids]
        )
        message = self.browse([id_ for [id_] in self.env.cr.fetchall()])
        self.invalidate_recordset()
        return message

    # === WORK === #

    @api.model
    def _cron_work(self):
        """Hand over what waits, and ask for what is overdue; a transaction for each message."""
        while message := self._claim():
            message._work()
            # there may be more: then the job goes on soon where its time is up
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _claim(self):
        """The next message that is due. Its next try is set before this one begins, so that
        nothing is locked while the other mapper is called, and a callback can come meanwhile."""
        read_committed(self.env.cr)
        parameters = {"now": fields.Datetime.now(), "first": FIRST_DELAY, "longest": LONGEST_DELAY}
        self.env.cr.execute(CLAIM, parameters)
        row = self.env.cr.fetchone()
        self.env["ir.cron"]._commit_progress()
        self.env.invalidate_all()
        return self.sudo().browse(row[0]) if row else self.browse()

    def _work(self):
        try:
            self._take_over(self._try())
        except Exception as error:  # noqa: BLE001 - others wait behind it
            # Of a missing key the text says all, and nothing of the message.
            is_known = isinstance(error, (SealBroken, SecretKeyMissing))
            why = str(error) if is_known else describe(error)
            level = logging.WARNING if is_known else logging.ERROR
            _logger.log(level, "Message %s to another mapper: %s", self.id, why)
            self._note_failure(why if is_known else "It failed unexpectedly; see Odoo's log")

    def _try(self):
        """What a try changes: values, with ``results`` where it ends the message."""
        act = self._hand_over if self.state == "waiting" else self._ask
        try:
            return act() if self.connector_id.backend == "g2p_connect" else {}
        except NoAnswer as trouble:
            _logger.warning("Message %s to another mapper: %s", self.id, trouble)
            return self._after(trouble)

    def _take_over(self, changes):
        message = self._begin()
        results = changes.pop("results", None)
        if not message or message.state in ("done", "failed"):
            return  # the callback was faster
        if changes:
            message.write(changes)
        if results is not None:
            message._finish(results, "failed" if message.problem else "done")

    def _note_failure(self, why):
        """Of a message that cannot be worked on: it is tried again, the key may come back, but
        holds up those behind it no longer than others do."""
        message = self._begin()
        if not message or message.state in ("done", "failed"):
            return
        message.problem = why[:500]
        if message._is_overdue():
            message._finish(None, "failed")

    def _begin(self):
        """This message, locked, in a fresh transaction."""
        read_committed(self.env.cr)
        self.env.invalidate_all()
        return self._locked()

    def _hand_over(self):
        ticket = client_async.Ticket(
            self.message_id,
            self.transaction_id,
            self.create_date.replace(tzinfo=UTC).isoformat(timespec="seconds"),
        )
        correlation_id = self._client().submit(
            ticket,
            self.operation,
            self._items(),
            self.connector_id.remote_callback_url or None,
            is_repeated=self.try_count > 1,
        )
        return self._sent() | {"correlation_id": correlation_id, "problem": False}

    def _ask(self):
        if self.connector_id.remote_profile != "strict":
            # it has no such question: the callback comes, or nothing
            if self._is_overdue():
                raise NoAnswer("Its callback never came", passing=False, maybe_done=True)
            return {}
        results = self._client().ask(self.operation, self._items(), self.transaction_id)
        if results is None and self._is_overdue():
            raise NoAnswer("It never finished", passing=False, maybe_done=True)
        return {} if results is None else {"results": results, "problem": False}

    def _sent(self):
        now = fields.Datetime.now()
        return {
            "state": "sent",
            "sent_at": now,
            "try_count": 0,
            "maybe_accepted": True,
            "next_try_at": now + CALLBACK_PATIENCE,
        }

    def _after(self, trouble):
        """What becomes of a message after a try that failed.

        Of one that was accepted, an odd answer to what became of it ends nothing before its time.
        """
        was_sent = self.state == "sent"
        trouble.maybe_done = trouble.maybe_done or self.maybe_accepted or was_sent
        changes = {"problem": str(trouble)[:500], "maybe_accepted": trouble.maybe_done}
        can_repeat = trouble.passing and self.connector_id.remote_profile == "strict"
        is_uncertain = trouble.maybe_done and self.operation != "resolve" and not can_repeat
        if is_uncertain and not was_sent:
            return self._sent() | changes  # its callback may come, or it can be asked for
        if (was_sent or trouble.passing) and not self._is_overdue():
            return changes
        results = client_async.given_up(self.operation, self._items(), trouble)
        return changes | {"results": results}

    def _is_overdue(self):
        return (self.sent_at or self.create_date) < fields.Datetime.now() - GIVE_UP

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        old = self.search([("done_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


# === HELPERS === #


def _sealed(value):
    return seal(zlib.compress(jsonio.dumps(value)), SEAL_PURPOSE)


def _unsealed(text):
    return jsonio.loads(zlib.decompress(unseal(text, SEAL_PURPOSE)))


def _as_list(result):
    return list(result._replace(provider=result.provider and list(result.provider)))


def _as_result(values):
    result = Result(*values)
    provider = result.provider and AccountProvider(*result.provider)
    return result._replace(outcome=Outcome(result.outcome), provider=provider)
