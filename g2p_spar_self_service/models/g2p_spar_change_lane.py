# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta

from psycopg2 import Error as PsycopgError

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    LinkItem,
    Outcome,
    ResolveItem,
    UnlinkItem,
    UpdateItem,
)
from odoo.addons.g2p_spar_connector.safe_log import describe
from odoo.addons.g2p_spar_connector.secret import SealBroken, SecretKeyMissing
from odoo.addons.g2p_spar_connector.transaction import read_committed
from odoo.addons.g2p_spar_fa_directory.financial_address import fa_key

from .. import current_address
from ..person import MAPPER_SECONDS
from .g2p_spar_change import GIVE_UP, address_digest

_logger = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)

CLAIM = """
UPDATE g2p_spar_change SET try_count = try_count + 1, trying = TRUE,
    next_try_at = %(now)s + least(%(first)s * power(2, least(try_count, 20)), %(longest)s)
WHERE id = (
    SELECT id FROM g2p_spar_change WHERE state = 'pending' AND next_try_at <= %(now)s
        AND due_at <= %(now)s
        AND (%(id)s IS NULL OR id = %(id)s) AND connector_id <> ALL(%(away)s)
    ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id"""

_DONE = ("applied", None)


class G2pSparChange(models.Model):
    """How a change takes effect.

    A try begins in a transaction of its own, so that one that was not survived is known as such.
    Then the change is locked, the mapper is asked what is on record, and only if that is what the
    person has seen is it asked to change it: the two happen on one snapshot of the database, so
    that with the mapper of this database nothing can come between them.
    """

    _inherit = "g2p.spar.change"

    @api.model
    def _cron_apply(self):
        """Carry out what is due; a transaction for each change. A mapper that gives no answer is
        asked once in a run."""
        away = []
        while change := self._claim(away=away):
            if not change._carry_out():
                away.append(change.connector_id.id)
            # there may be more: then the job goes on soon where its time is up
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.private
    def apply_now(self):
        """Carry this change out if it is due, as far as the mapper answers.

        What was done before is committed first: were this lost halfway, a change at a mapper that
        is reached over the network would have neither receipt nor history.
        """
        self.ensure_one()
        change = self.with_env(self.connector_id.within(MAPPER_SECONDS).env)
        if self.due_at <= fields.Datetime.now() and change._claim(self.id):
            change._carry_out()

    def _claim(self, change_id=None, away=()):
        """A change that is due, its next try set; committed.

        :param away: database ids of connectors that give no answer now
        """
        self.env.flush_all()
        self._commit()
        read_committed(self.env.cr)
        self.env.cr.execute(
            CLAIM,
            {
                "now": fields.Datetime.now(),
                "first": FIRST_DELAY,
                "longest": LONGEST_DELAY,
                "id": change_id,
                "away": list(away),
            },
        )
        row = self.env.cr.fetchone()
        self._commit()
        return self.sudo().browse(row[0]) if row else self.browse()

    def _commit(self):
        self.env["ir.cron"]._commit_progress()
        self.env.invalidate_all()

    def _carry_out(self):
        """In a fresh transaction: end the change, or leave it for a later try.

        :return: whether the mapper has given an answer
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return self._carry_out_locked()
        except UserError:  # the connector leads to no mapper
            self._note_not_sent()
        except (SealBroken, SecretKeyMissing) as error:
            _logger.warning("Change %s: %s", self.id, error)
            self._note_not_sent()
            if self._given_up():
                self._end("failed", "unreadable")
            return True
        except PsycopgError as error:
            _logger.info("Change %s is tried again: %s", self.id, describe(error))
            return True
        except Exception as error:  # noqa: BLE001 - others wait behind it
            _logger.error("Change %s: %s", self.id, describe(error))
            return True
        finally:
            self.env.invalidate_all()
        return False

    def _carry_out_locked(self):
        if not self._lock() or self.state != "pending":
            return True
        verdict = self._try()
        self.trying = False
        self.flush_recordset()
        if verdict:
            self._end(*verdict)
        return bool(verdict)

    def _note_not_sent(self):
        """A try that ended before anything was sent."""
        self.env.invalidate_all()
        self.trying = False
        self.flush_recordset()

    def _try(self):
        """:return: state and outcome of a change that ends here, None if it must be tried again
        :rtype: tuple | None
        """
        if not self.connector_id.active:
            return self._given_up()
        new, actor = self._new(), self._actor()
        found = self._find(new, actor)
        verdict = self._compare(new, found)
        if verdict or found.state == current_address.AWAY:
            return verdict or self._given_up()
        self.maybe_done = False
        result = self._send(new, found, actor)
        if result.outcome is Outcome.RETRY:
            self.maybe_done = True
            return self._given_up()
        return _DONE if result.succeeded else ("refused", str(result.outcome))

    def _find(self, new, actor):
        item = ResolveItem("1", new["id"], scope="details")
        [result] = self.connector_id.resolve_items(actor, [item], parts=True)
        return current_address.read(result)

    def _compare(self, new, found):
        """What becomes of the change if there is nothing to send, by what is on record now."""
        if found.state == current_address.AWAY:
            return None
        if found.state in (current_address.ON_HOLD, current_address.REFUSED):
            return "refused", str(Outcome.ID_INACTIVE) if found.state == "on_hold" else "refused"
        if fa_key(found.fa or "") == fa_key(new["fa"] or ""):
            return _DONE  # by an earlier try, or by whoever else wanted the same
        on_record = found.fa and address_digest(found.fa)
        if on_record != (self.old_digest or None):
            return "refused", "address_changed"
        return None

    def _send(self, new, found, actor):
        connector = self.connector_id
        if self.operation == "unlink":
            items, call = [UnlinkItem("1", new["id"], found.fa)], connector.unlink_items
        elif self.operation == "update":
            # an empty name: that of the account before must not stay with the new one
            items = [UpdateItem("1", new["id"], new["fa"], name=new["name"] or "")]
            call = connector.update_items
        else:
            items = [LinkItem("1", new["id"], new["fa"], name=new["name"])]
            call = connector.link_items
        [result] = call(actor, items)
        return result

    def _look_again(self):
        """Of a change that the mapper may have carried out: how it has ended, False if it has
        not, None where there is no telling."""
        try:
            new = self._new()
            found = self._find(new, self._actor())
        except UserError:
            return None
        except (SealBroken, SecretKeyMissing) as error:
            # nobody can carry it out any more either
            _logger.warning("Change %s: %s", self.id, error)
            return False
        if found.state == current_address.AWAY:
            return None
        return self._compare(new, found) or False

    def _given_up(self):
        is_overdue = self.due_at < fields.Datetime.now() - GIVE_UP
        return ("failed", "given_up") if is_overdue else None
