# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_fa_directory.financial_address import fa_key

from ..g2p_connect import client
from ..g2p_connect.values import Actor, Outcome, ResolveItem
from ..partner_text import PartnerTexts, repeats
from ..safe_log import describe
from ..secret import SealBroken, SecretKeyMissing
from ..transaction import read_committed

_logger = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=12)
BATCH_SIZE = 1000
PROBLEM_MAX_LENGTH = 500
# By these a backend says of all items that it has no answer; another one left out a single item.
_AWAY = (client.AWAY, client.UNCERTAIN, client.REFUSED)

IS_DUE = """change.state = 'waiting' AND change.next_try_at <= %(now)s
    -- changes of one person are carried out in their order
    AND NOT EXISTS (SELECT FROM g2p_spar_outbox AS before
        WHERE before.person_key = change.person_key AND before.id < change.id
        AND before.connector_id = change.connector_id AND before.state = 'waiting')"""

# A try that was begun and left nothing: its worker did not survive it, and it is given up in time.
LOST = "change.try_count > 3 AND change.problem IS NULL"
GIVE_LOST_UP = f"""
UPDATE g2p_spar_outbox AS change SET state = 'failed', problem = %(text)s, done_at = %(now)s
WHERE {LOST} AND state = 'waiting' AND next_try_at <= %(now)s AND give_up_at <= %(now)s"""

# One call has one connector, operation and actor. What was tried least comes first, so that
# nothing waits behind a change that is never answered.
CLAIM = f"""
WITH head AS (
    SELECT change.*, change.alone OR {LOST} AS goes_alone
    FROM g2p_spar_outbox AS change WHERE {IS_DUE}
    ORDER BY change.try_count, change.next_try_at, change.id LIMIT 1)
UPDATE g2p_spar_outbox AS claimed SET try_count = claimed.try_count + 1, problem = NULL,
    next_try_at = %(now)s
        + least(%(first)s * power(2, least(claimed.try_count, 20)), %(longest)s)
WHERE claimed.id IN (
    SELECT change.id FROM g2p_spar_outbox AS change JOIN head
        ON (change.connector_id, change.operation) = (head.connector_id, head.operation)
        AND (change.user_id, change.actor_kind, change.actor_name, change.channel, change.reason)
            IS NOT DISTINCT FROM
            (head.user_id, head.actor_kind, head.actor_name, head.channel, head.reason)
    WHERE {IS_DUE}
        AND (change.id = head.id OR NOT (head.goes_alone OR change.alone OR {LOST}))
    ORDER BY change.try_count, change.next_try_at, change.id
    LIMIT %(size)s FOR UPDATE OF change SKIP LOCKED)
RETURNING claimed.id"""

CONCLUDE = """
UPDATE g2p_spar_outbox AS change SET
    state = verdict.state,
    problem = verdict.problem,
    alone = change.alone OR %(alone)s,
    is_paced = verdict.is_away AND verdict.state = 'waiting',
    before_key = coalesce(verdict.before_key, change.before_key),
    done_at = CASE WHEN verdict.state = 'waiting' THEN NULL ELSE %(now)s END,
    item_sealed = CASE WHEN verdict.state = 'done' THEN NULL ELSE change.item_sealed END
FROM unnest(%(ids)s::int[], %(states)s::text[], %(problems)s::text[],
        %(aways)s::bool[], %(befores)s::text[])
    AS verdict(id, state, problem, is_away, before_key)
WHERE change.id = verdict.id
    -- cancelled while it was under way: only what was done all the same is told
    AND (change.state = 'waiting' OR verdict.state = 'done')"""


class Verdict(NamedTuple):
    """What becomes of a change: its new state, what is to be said of it, and whether it waits
    because the mapper answers nothing; the digest of the address that it would replace."""

    state: str
    problem: str | None = None
    is_away: bool = False
    before_key: str | None = None


class G2pSparOutbox(models.Model):
    """How changes reach the mapper.

    A try that has begun counts, so that one which a worker did not survive is known as such. From
    the second try on it is looked up first whether the mapper did what was asked: a change that was
    carried out while we did not hear of it has not failed.
    """

    _inherit = "g2p.spar.outbox"

    @api.model
    def _cron_work(self):
        """Carry out what is due; a transaction for each batch."""
        while batch := self._claim():
            batch._work()
            # there may be more: then the job goes on soon where its time is up
            if not self.env["ir.cron"]._commit_progress(len(batch), remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _claim(self):
        """Changes that can go in one call. Their next try is set before this one begins, and
        nothing is locked while the mapper is called."""
        read_committed(self.env.cr)
        text = self._given_up(Verdict("waiting", self.env._("Odoo did not survive its tries.")))
        now = fields.Datetime.now()
        self.env.cr.execute(GIVE_LOST_UP, {"now": now, "text": text.problem})
        self.env.cr.execute(
            CLAIM,
            {
                "now": now,
                "first": FIRST_DELAY,
                "longest": LONGEST_DELAY,
                "size": BATCH_SIZE,
            },
        )
        ids = sorted(id_ for [id_] in self.env.cr.fetchall())
        self.env["ir.cron"]._commit_progress()
        self.env.invalidate_all()
        return self.sudo().browse(ids)

    def _work(self):
        """What the mapper of this database writes is committed together with what became of it."""
        read_committed(self.env.cr)
        try:
            verdicts = self._carry_out()
        except UserError as error:
            text = self._told(error)
            self._start_again()
            # By this very class a backend says that it cannot be used; others, and one that comes
            # again and again, may be about a single change.
            is_of_change = type(error) is not UserError or max(self.mapped("try_count")) > 3
            self._conclude(self._all_wait(text), alone=is_of_change)
            return
        except Exception as error:  # noqa: BLE001 - others wait behind it
            self._note_failure(error)
            return
        self._conclude(verdicts)

    def _note_failure(self, error):
        """From then on these changes go one by one, so that the faulty one harms no other."""
        # Of a missing key the text says all, and nothing of the change.
        is_known = isinstance(error, (SealBroken, SecretKeyMissing))
        why = str(error) if is_known else describe(error)
        level = logging.WARNING if is_known else logging.ERROR
        _logger.log(level, "Outbox, changes %s to %s: %s", self.ids[0], self.ids[-1], why)
        self._start_again()
        text = why if is_known else self.env._("It failed unexpectedly; see Odoo's log.")
        self._conclude(self._all_wait(text), alone=True)

    def _start_again(self):
        """Undo what was written before it failed."""
        read_committed(self.env.cr)
        self.env.invalidate_all()

    def _told(self, error):
        """The text of an error, unless it repeats an ID or address."""
        if any(repeats(str(error), change._item()) for change in self):
            return self.env._("It failed unexpectedly; see Odoo's log.")
        return str(error)[:PROBLEM_MAX_LENGTH]

    def _carry_out(self):
        """:return: what becomes of each change, by its id
        :rtype: dict[int, Verdict]
        """
        if not self.connector_id.active:
            return self._all_wait(self.env._("The connector is archived."))
        items = {change.id: change._item()._replace(reference_id=str(change.id)) for change in self}
        repeated = self.filtered(lambda change: change.try_count > 1)
        verdicts = repeated._compare(items) if repeated else {}
        rest = self.filtered(lambda change: change.id not in verdicts)
        if rest:
            texts = PartnerTexts(self.env)
            call = getattr(self.connector_id, f"{rest[0].operation}_items")
            results = call(self._actor(), [items[change.id] for change in rest])
            for change, result in zip(rest, results, strict=True):
                verdicts[change.id] = _verdict(texts, change.operation, items[change.id], result)
        return verdicts

    def _compare(self, items):
        """Of changes that may have been carried out: which ones need no other try.

        :rtype: dict[int, Verdict]
        """
        asked = [
            ResolveItem(str(change.id), items[change.id].id, scope="details") for change in self
        ]
        results = self.connector_id.resolve_items(self._actor(), asked, parts=True)
        verdicts = {
            change.id: change._found(items[change.id], result)
            for change, result in zip(self, results, strict=True)
        }
        return {id_: verdict for id_, verdict in verdicts.items() if verdict}

    def _found(self, item, result):
        """:rtype: Verdict | None"""
        if result.outcome is Outcome.RETRY:
            return _verdict(PartnerTexts(self.env), "resolve", item, result)
        is_linked = result.outcome is Outcome.ID_ACTIVE
        if self.operation == "unlink":
            is_done = result.outcome is Outcome.ID_NOT_FOUND
        else:
            is_done = is_linked and fa_key(result.fa or "") == fa_key(item.fa)
        if is_done:
            return Verdict("done")
        if not is_linked or self._follows_another():
            return None
        if result.since:
            is_newer = result.since > self.create_date
            text = self.env._("The address was changed since then: this change is not made.")
            return Verdict("failed", text) if is_newer else None
        return self._found_unlike_before(result)

    def _found_unlike_before(self, result):
        """Where a mapper does not say since when an address is there: whether it may be replaced.
        Trying it again replaces the address that was found now, and no other.

        :rtype: Verdict | None
        """
        found = self.address_key(result.fa or "")
        if self.operation == "link" or found == self.before_key:
            return None
        text = self.env._(
            "The address may have been changed since then: look at the contact. Try Again "
            "replaces the address that is there now."
        )
        return Verdict("failed", text, before_key=found)

    def _follows_another(self):
        """Whether what is newer than this change may well be an earlier change of ours."""
        domain = [
            ("connector_id", "=", self.connector_id.id),
            ("person_key", "=", self.person_key),
            ("id", "<", self.id),
            ("state", "=", "done"),
            ("done_at", ">=", self.create_date),
        ]
        return bool(self.search_count(domain, limit=1))

    def _actor(self):
        first = self[0]
        return Actor(
            first.actor_kind,
            first.channel,
            first.actor_name,
            user_id=first.user_id.id or None,
            reason=first.reason or None,
        )

    def _all_wait(self, problem):
        return {change.id: Verdict("waiting", problem, is_away=True) for change in self}

    def _conclude(self, verdicts, alone=False):
        """Write down what becomes of each change."""
        now = fields.Datetime.now()
        is_answered = any(verdict.state != "waiting" for verdict in verdicts.values())
        is_away = all(verdict.is_away for verdict in verdicts.values())
        verdicts = {
            change.id: change._given_up(verdicts[change.id])
            if verdicts[change.id].state == "waiting" and change.give_up_at <= now
            else verdicts[change.id]
            for change in self
        }
        self.env.cr.execute(
            CONCLUDE,
            {
                "ids": list(verdicts),
                "states": [verdict.state for verdict in verdicts.values()],
                "problems": [verdict.problem for verdict in verdicts.values()],
                "aways": [verdict.is_away and not alone for verdict in verdicts.values()],
                "befores": [verdict.before_key for verdict in verdicts.values()],
                "alone": alone,
                "now": now,
            },
            log_exceptions=False,
        )
        self.env.invalidate_all()
        if not alone and (is_answered or is_away):
            self._pace_others(is_away)

    def _given_up(self, verdict):
        text = self.env._("Given up after seven days. %s", verdict.problem or "")
        return Verdict("failed", text.strip())

    def _pace_others(self, is_away):
        """While a mapper answers nothing, all that is meant for it waits; once it answers, what
        has waited follows at once."""
        self.env.cr.execute(
            """UPDATE g2p_spar_outbox SET is_paced = %(is_away)s,
                next_try_at = CASE WHEN %(is_away)s THEN %(next_try_at)s ELSE %(now)s END
            WHERE state = 'waiting' AND connector_id = %(connector)s AND NOT alone
                AND id <> ALL(%(ids)s)
                AND CASE WHEN %(is_away)s THEN next_try_at < %(next_try_at)s
                    ELSE is_paced AND next_try_at > %(now)s END""",
            {
                "is_away": is_away,
                "next_try_at": min(self.mapped("next_try_at")),
                "now": fields.Datetime.now(),
                "connector": self.connector_id.id,
                "ids": self.ids,
            },
        )
        self.env.invalidate_all()


# === HELPERS === #


def _verdict(texts, operation, item, result):
    if result.succeeded:
        return Verdict("done")
    text = texts.of_item(operation, item, result)[:PROBLEM_MAX_LENGTH]
    if result.outcome is not Outcome.RETRY:
        return Verdict("failed", text)
    return Verdict("waiting", text, is_away=result.message in _AWAY)
