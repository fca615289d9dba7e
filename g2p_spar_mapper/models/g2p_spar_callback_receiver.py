# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models

# Stable within a statement, so that indexes serve comparisons with it.
NOW = "statement_timestamp() AT TIME ZONE 'UTC'"
# Of an address: who is called, and whether it can be reached.
HOST = "split_part({}, '/', 3)"

TOLD = f"""
UPDATE g2p_spar_callback_receiver SET
    -- who takes long has its next turn as much later
    next_turn_at = {NOW} + %s * interval '1 millisecond',
    silent_until = CASE WHEN %s THEN {NOW} + %s * interval '1 second' END
WHERE id = %s RETURNING participant_id, host"""

EXPECT = f"""
UPDATE g2p_spar_callback_receiver AS receiver SET silent_until = NULL
FROM g2p_spar_callback AS callback
WHERE callback.id = ANY(%s) AND receiver.participant_id = callback.participant_id
    AND receiver.host = {HOST.format("callback.url")}"""


class G2pSparCallbackReceiver(models.Model):
    """Whose turn it is: a row for each host that has ever been called for a participant.

    One that cannot be reached is left alone for a while with all that waits for it.
    """

    _name = "g2p.spar.callback.receiver"
    _description = "Turns of Receivers"
    _log_access = False
    _allow_sudo_commands = False

    participant_id = fields.Many2one("g2p.spar.participant", required=True, ondelete="cascade")
    host = fields.Char(required=True, help="With its port, as in the address.")
    next_turn_at = fields.Datetime(help="Those with an earlier one come first; no promise.")
    silent_until = fields.Datetime(help="It could not be reached, and is left alone until then.")

    _receiver_unique = models.UniqueIndex("(participant_id, host)")

    # === BUSINESS METHODS === #

    @api.private
    def expect(self, callbacks):
        """Somebody believes that those who get these callbacks can be reached."""
        self.env.cr.execute(EXPECT, (callbacks.ids,))

    def _note(self, outcome, first_delay):
        """:param Outcome outcome: of a try to deliver to it.
        :param int first_delay: seconds for which it is left alone where it cannot be reached.
        """
        self.env.cr.execute(TOLD, (outcome.milliseconds, outcome.unreachable, first_delay, self.id))
        row = self.env.cr.fetchone()
        if row and outcome.delivered:
            self.env["g2p.spar.callback"].catch_up(*row)
