# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, Outcome
from odoo.addons.g2p_spar_connector.secret import (
    SealBroken,
    SecretKeyMissing,
    digest,
    seal,
    unseal,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import fa_key
from odoo.addons.g2p_spar_fa_directory.ids import id_key
from odoo.addons.g2p_spar_fa_directory.masking import mask_email, mask_number

from ..receipt import new_number, read_number

_logger = logging.getLogger(__name__)

SEAL_PURPOSE = "change"
CONTACTS_PURPOSE = "change contacts"
PERSON_PURPOSE = "change person"
ADDRESS_PURPOSE = "change address"

DELAY_HOURS = 48
CHANGES_PER_DAY = 5
HISTORY_LENGTH = 50
# So many changes stopped by link within so long: then the office has to look into it.
STOPS_UNTIL_HELD = 3
STOPS_COUNT_FOR = timedelta(days=30)
# Then a change that the mapper never answered is given up.
GIVE_UP = timedelta(days=7)
KEPT_DAYS = 1827
GC_LIMIT = 1000


class G2pSparChange(models.Model):
    """A change of their own address that a person has asked for: its receipt and its history.

    The new address waits here, sealed, until the change takes effect, and is wiped then. What is
    left of a change that has ended is masked, and cannot be altered: see the triggers below.
    How changes reach the mapper is in ``g2p_spar_change_lane.py``, how people hear of them in
    ``g2p_spar_change_notice.py``; what a person is about to ask for is a
    ``g2p.spar.change.draft``.

    No field may ever have a default: Odoo would fill the column of existing rows with an UPDATE.
    """

    _name = "g2p.spar.change"
    _description = "Change by a Person"
    _order = "id desc"
    _rec_name = "number"
    _log_access = False
    _allow_sudo_commands = False

    number = fields.Char("Receipt", required=True, readonly=True)
    typed_number = fields.Char(
        "Receipt as Told", compute="_compute_typed_number", search="_search_typed_number"
    )
    operation = fields.Selection(
        [("link", "First Address"), ("update", "Other Address"), ("unlink", "Removal")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("applied", "Applied"),
            ("cancelled", "Cancelled"),
            ("refused", "Refused"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
    )
    outcome = fields.Char(
        readonly=True, help="Why it was refused or has failed, or how it was cancelled: a code."
    )
    outcome_text = fields.Char("Reason", compute="_compute_outcome_text")
    cancelled_by = fields.Char(readonly=True, help="The contact that had the link, masked.")
    released_at = fields.Datetime(
        "Released On",
        readonly=True,
        help="From then on it does not count among the stopped changes that make a person wait.",
    )
    erased_at = fields.Datetime(
        "Erased On", readonly=True, help="From then on nothing here tells whose it was."
    )
    old_masked = fields.Char("Old Address", readonly=True)
    new_masked = fields.Char("New Address", readonly=True)
    requested_at = fields.Datetime("Asked For On", required=True, readonly=True)
    due_at = fields.Datetime("Takes Effect On", required=True, readonly=True)
    ended_at = fields.Datetime("Ended On", readonly=True)
    connector_id = fields.Many2one(
        "g2p.spar.connector", required=True, readonly=True, ondelete="restrict", index=True
    )
    # On whose behalf: see g2p_connect.values.Actor. Plain ids: these rows are history.
    actor_kind = fields.Char(readonly=True)
    actor_name = fields.Char("Who", readonly=True)
    user_id = fields.Integer("User Database ID", readonly=True)
    channel = fields.Char(readonly=True)
    # the way to the mapper
    try_count = fields.Integer("Tries", readonly=True)
    next_try_at = fields.Datetime("Next Try", readonly=True)
    maybe_done = fields.Boolean(
        readonly=True, help="The mapper gave no answer to it and may have carried it out."
    )
    trying = fields.Boolean(
        readonly=True, help="A try has begun. If it does not go on, it was lost halfway."
    )
    lang = fields.Char(readonly=True)
    # nobody reads these
    person_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    old_digest = fields.Char(groups=fields.NO_ACCESS)
    new_sealed = fields.Text(groups=fields.NO_ACCESS, help="ID, address and name, as sealed JSON.")
    contacts_sealed = fields.Text(groups=fields.NO_ACCESS)

    _number_unique = models.UniqueIndex("(number)")
    _one_pending = models.UniqueIndex("(person_digest) WHERE state = 'pending'")
    _person_idx = models.Index("(person_digest, id)")
    _due_idx = models.Index("(next_try_at, id) WHERE state = 'pending'")
    _ended_idx = models.Index("(ended_at) WHERE state <> 'pending'")
    _sealed_while_pending = models.Constraint(
        "CHECK ((state = 'pending') = (new_sealed IS NOT NULL))",
        "The new address is kept while the change is pending, and no longer.",
    )

    # === COMPUTE METHODS === #

    def _compute_typed_number(self):
        self.typed_number = False

    def _search_typed_number(self, operator, value):
        """Find a receipt by its number as somebody has told it over the telephone."""
        if operator not in ("=", "ilike", "in"):
            raise UserError(self.env._("Search for a whole receipt number."))
        texts = [value] if isinstance(value, str) else value
        return [("number", "in", [read_number(text) or text for text in texts])]

    @api.depends("outcome")
    @api.depends_context("lang")
    def _compute_outcome_text(self):
        texts = self._outcome_texts()
        other = self.env._("The registry did not accept this change.")
        for change in self:
            change.outcome_text = change.outcome and texts.get(change.outcome, other)

    def _outcome_texts(self):
        no_account = self.env._("The registry does not accept this account.")
        return {
            "by_person": self.env._("You cancelled it."),
            "by_link": self.env._("It was cancelled with the link in a message to you."),
            "address_changed": self.env._(
                "Your account on record was changed in another way in the meantime."
            ),
            "given_up": self.env._("The registry could not be reached for seven days."),
            "unreadable": self.env._("It could not be carried out."),
            "erased": self.env._("The person was erased."),
            str(Outcome.ID_INACTIVE): self.env._("Your record is on hold."),
            str(Outcome.ALREADY_LINKED): self.env._(
                "An account was put on record for you meanwhile."
            ),
            str(Outcome.NOT_LINKED): self.env._("There was no account on record for you any more."),
            str(Outcome.FA_INVALID): no_account,
            str(Outcome.FA_NOT_ALLOWED): no_account,
        }

    # === ACTIONS === #

    def action_release(self):
        """Let a person ask for changes again, of whom several were stopped by link."""
        self.ensure_one()
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        self.check_access("read")
        stopped = self.sudo().search(self._stopped_domain(self.sudo().person_digest))
        stopped.write({"released_at": fields.Datetime.now()})

    # === SETUP === #

    def init(self):
        self.env.cr.execute(TRIGGERS)

    # === READING === #

    @api.private
    def of_person(self, person_id, limit=HISTORY_LENGTH):
        """The changes that a person has asked for, the latest first.

        :param str person_id: the ID, from the server's own session and nowhere else
        """
        domain = [("person_digest", "=", self.digest_of(person_id)), ("erased_at", "=", False)]
        return self.sudo().search(domain, limit=limit)

    @api.private
    def pending_of(self, person_id):
        """The change of a person that has not ended yet; there is at most one."""
        domain = [("person_digest", "=", self.digest_of(person_id)), ("state", "=", "pending")]
        return self.sudo().search(domain)

    @api.private
    def receipt_of(self, person_id, number):
        """A person's own change by its receipt number; empty for anybody else's."""
        domain = [("number", "=", number), ("person_digest", "=", self.digest_of(person_id))]
        return self.sudo().search([*domain, ("erased_at", "=", False)])

    @api.private
    def asked_lately(self, person_id):
        """How many changes a person has asked for within a day."""
        since = fields.Datetime.now() - timedelta(days=1)
        return self.sudo().search_count(
            [("person_digest", "=", self.digest_of(person_id)), ("requested_at", ">=", since)]
        )

    @api.private
    def is_held(self, person_id):
        """Whether so many changes of a person were stopped by link that the office must act."""
        domain = self._stopped_domain(self.digest_of(person_id))
        return self.sudo().search_count(domain) >= STOPS_UNTIL_HELD

    def _stopped_domain(self, person_digest):
        return [
            ("person_digest", "=", person_digest),
            ("state", "=", "cancelled"),
            ("outcome", "=", "by_link"),
            ("ended_at", ">=", fields.Datetime.now() - STOPS_COUNT_FOR),
            ("released_at", "=", False),
        ]

    @api.private
    def was_linked(self, person):
        """Whether a person had an address before, as far as this log and the mapper tell."""
        domain = [("person_digest", "=", self.digest_of(person.id)), ("state", "=", "applied")]
        if self.sudo().search_count(domain, limit=1):
            return True
        connector = person.connector
        return "history" in connector.capabilities() and bool(connector.ever_linked([person.id]))

    @api.private
    def delay(self):
        """How long a change of an existing address waits.

        :rtype: timedelta
        """
        return timedelta(hours=self._setting("change_delay_hours", DELAY_HOURS))

    @api.private
    def changes_per_day(self):
        return self._setting("changes_per_day", CHANGES_PER_DAY)

    def _setting(self, name, default):
        value = self.env["ir.config_parameter"].sudo().get_param(f"g2p_spar.{name}")
        return int(value) if value else default

    @api.private
    def digest_of(self, person_id):
        """What recognises a person: a keyed digest of their ID. Where the case of IDs matters,
        those that differ by case only are two people.

        :rtype: str
        """
        key = id_key(person_id)
        local, at, namespace = person_id.rpartition("@")
        if at and id_key(namespace) in self.env["g2p.id.namespace"].case_sensitive_names():
            key = f"{local}@{id_key(namespace)}"
        return digest(PERSON_PURPOSE, key).hex()

    @api.private
    def waits(self):
        """Whether this change has not begun, since its time has not come."""
        return self.state == "pending" and self.due_at > fields.Datetime.now()

    # === LIFE OF A CHANGE === #

    @api.private
    def ask(self, person, operation, old, new, is_first=False):
        """Put a change on record, and tell the person's contacts unless it takes effect at once.

        Call it while the person is locked (``lock_person``): there is one pending change for each.

        :param Person person: who is before us
        :param CurrentAddress old: what the person has seen on record
        :param new: address, label and name of the account; None to remove the address
        :type new: dict | None
        :param bool is_first: nothing was on record ever: it takes effect at once
        :rtype: G2pSparChange
        :raise UserError: there is nobody to tell
        """
        now = fields.Datetime.now()
        due_at = now if is_first else now + self.delay()
        known = self._note_contacts(person, old)
        contacts = [{**contact.contact(), "digest": contact.contact_digest} for contact in known]
        if not is_first:
            self.check_somebody_is_told(person, contacts)
        new = new or {}
        change = self.sudo().create(
            {
                "number": self._new_number(),
                "operation": operation,
                "state": "pending",
                "old_masked": old.label,
                "new_masked": new.get("label"),
                "requested_at": now,
                "due_at": due_at,
                "next_try_at": due_at,
                "try_count": 0,
                "connector_id": person.connector.id,
                **self._who(person),
                "lang": self._lang_for(person),
                "person_digest": self.digest_of(person.id),
                "old_digest": old.fa and address_digest(old.fa),
                "new_sealed": _sealed(
                    {"id": person.id, "fa": new.get("fa"), "name": new.get("name")}, SEAL_PURPOSE
                ),
                "contacts_sealed": _sealed(contacts, CONTACTS_PURPOSE),
            }
        )
        if due_at > now:
            change._notify("requested", tokens=change._new_tokens(known))
        return change

    @api.private
    def check_may_ask(self, person):
        """:raise UserError: why the person cannot ask for a change now"""
        if self.is_held(person.id):
            raise UserError(
                self.env._(
                    "Changes in your name were stopped several times. To protect you, please go to "
                    "the office that pays you."
                )
            )
        delay = self.delay()
        if person.user and person.user.spar_proves_from(delay):
            raise UserError(
                self.env._(
                    "Your password or e-mail address was changed a short time ago. To protect you, "
                    "no account can be changed for %s hours after that.",
                    int(delay.total_seconds() // 3600),
                )
            )
        limit = self.changes_per_day()
        if self.asked_lately(person.id) >= limit:
            raise UserError(
                self.env._(
                    "You have asked for %s changes within a day. Please try again tomorrow.", limit
                )
            )

    def _who(self, person):
        """On whose behalf the mapper will be called."""
        actor = person.actor()
        return {
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "user_id": actor.user_id,
            "channel": actor.channel,
        }

    @api.private
    def cancel(self, how, contact=None, person=None):
        """Cancel a pending change; one that has ended stays as it is. By link, the person did not
        want it: whoever has asked for it is signed out too.

        :param str how: "by_person" or "by_link"
        :param dict contact: that had the link, where it can be told
        :param Person person: who is before us, where somebody is
        :return: whether it is cancelled now
        :rtype: bool
        """
        self.ensure_one()
        if not self._lock() or self.state != "pending":
            return False
        if self.maybe_done or self.trying:
            # the mapper may have carried it out: then there is nothing left to cancel
            verdict = self._look_again()
            if verdict is None:
                raise UserError(
                    self.env._(
                        "This change is being carried out, and the registry does not answer at "
                        "the moment. Please look again later."
                    )
                )
            if verdict:
                self._end(*verdict)
                return False
        self._end("cancelled", how, contact, self._cancelled_values(person))
        if how == "by_link":
            self._sign_out_person()
        return True

    def _cancelled_values(self, person):
        """What else is kept of who has cancelled a change. To be extended."""
        return {}

    def _sign_out_person(self):
        """In all browsers: one of them may be somebody else's."""
        self.env["g2p.spar.beneficiary.session"].end_all_of(self.person_digest)
        if self.user_id:
            user = self.env["res.users"].sudo().browse(self.user_id).exists()
            user._action_revoke_all_devices()

    @api.private
    def lock_person(self, person_id):
        """Make others who are about to ask for a change in this person's name wait."""
        number = int.from_bytes(bytes.fromhex(self.digest_of(person_id))[:8], signed=True)
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s)", [number])

    def _lock(self):
        """Whether this change was locked; not where it is being carried out at this moment."""
        self.flush_recordset()
        locked = self.try_lock_for_update()
        self.invalidate_recordset()
        return bool(locked)

    def _end(self, state, outcome=None, contact=None, more=None):
        """Write down how a change has ended, wipe its address and say so.

        :param dict contact: that has cancelled it by link
        :param dict more: values
        """
        self.write(
            {
                **(more or {}),
                "state": state,
                "outcome": outcome,
                "ended_at": fields.Datetime.now(),
                "new_sealed": False,
                "cancelled_by": contact and _masked(contact),
            }
        )
        self.flush_recordset()
        self._notify(state)
        self.contacts_sealed = False
        self.flush_recordset()

    def _new_number(self):
        while True:
            number = new_number()
            if not self.sudo().search_count([("number", "=", number)], limit=1):
                return number

    # === CONTACTS === #

    @api.private
    def note_contacts_of(self, user):
        """Remember what a portal user brings, if the pages are for this user."""
        person = self.env["g2p.spar.id.rule"].portal_person(user)
        if not person:
            return
        try:
            digest_of_person = self.digest_of(person.id)
            self.env["g2p.spar.known.contact"].note_person(person, digest_of_person)
        except SecretKeyMissing as error:  # then nobody can change an address either
            _logger.warning("Contacts of user %s: %s", user.id, error)

    def _note_contacts(self, person, old):
        """Whom to tell: contacts of this sign-in, and those known before, so that nobody changes an
        address unnoticed who has changed or withheld the contact first.

        :rtype: G2pSparKnownContact
        """
        contacts = self.env["g2p.spar.known.contact"]
        person_digest = self.digest_of(person.id)
        speaking = contacts.with_context(lang=self._lang_for(person))
        speaking.note_person(person, person_digest)
        known = contacts.of_person(person_digest)
        if old.phone and old.phone not in {one.contact().get("phone") for one in known}:
            contacts.note(person_digest, [{"email": "", "phone": old.phone}], brought=False)
            known = contacts.of_person(person_digest)
        return known

    def _new_tokens(self, known):
        """A link for each contact that may stop this change.

        :return: tokens by digests of contacts
        :rtype: dict[str, str]
        """
        links = self.env["g2p.spar.change.link"]
        digests = known.may_stop().mapped("contact_digest")
        return {contact: links.new_token(self, contact) for contact in digests}

    @api.private
    def known_contacts(self, person, old):
        """Whom a change would be told, as far as is known before it is asked for.

        :param CurrentAddress old: what is on record
        :rtype: list[dict]
        """
        contacts = self.env["g2p.spar.known.contact"]
        known = contacts.of_person(self.digest_of(person.id))
        return [
            *(one.contact() for one in known),
            *contacts.contacts_of(person),
            {"email": "", "phone": old.phone},
        ]

    @api.private
    def check_somebody_is_told(self, person, contacts):
        """
        :param contacts: dicts of email, phone, lang
        :raise UserError: none of them can be told, where somebody must be
        """
        if self._needs_contact(person) and not any(map(self._can_tell, contacts)):
            raise UserError(
                self.env._(
                    "We know no e-mail address of yours to tell you of a change at. To protect "
                    "you, please go to the office that pays you to change your account."
                )
            )

    def _lang_for(self, person):
        """The language in which a person is told of changes from now on. To be extended."""
        return self.env.lang

    def _needs_contact(self, person):
        """By the provider that the person has signed in at, else by the company."""
        provider = person.session.provider_id
        if provider.change_needs_contact:
            return provider.change_needs_contact == "yes"
        company = provider.company_id or person.connector.company_id or self._site_company()
        return company.sudo().spar_change_needs_contact

    def _site_company(self):
        """Of people of no company: that of the site, whoever is logged in there."""
        return request.env["ir.http"]._spar_company() if request else self.env.company

    def _told_contacts(self):
        """:rtype: list[dict]"""
        if not self.contacts_sealed:
            return []
        try:
            return jsonio.loads(unseal(self.contacts_sealed, CONTACTS_PURPOSE))
        except (SealBroken, SecretKeyMissing) as error:
            _logger.warning("Contacts of change %s: %s", self.id, error)
            return []

    def _actor(self):
        return Actor(
            self.actor_kind,
            self.channel,
            self.actor_name,
            user_id=self.user_id or None,
            reason=f"receipt {self.number}",
        )

    def _new(self):
        """ID, address (None: removal) and name, as asked for."""
        return jsonio.loads(unseal(self.new_sealed, SEAL_PURPOSE))

    @api.private
    def new_fa(self):
        """The address that a pending change will put on record; empty where there is none, or it
        cannot be opened any more."""
        try:
            return (self.new_sealed and self._new()["fa"]) or ""
        except (SealBroken, SecretKeyMissing) as error:
            _logger.warning("Change %s: %s", self.id, error)
            return ""

    # === PURGE === #

    @api.private
    def forget_people(self, person_digests):
        """Leave nothing readable of what these people have asked for, and cancel what waits: it
        would put an address on record again. Nobody is told.

        :param list[str] person_digests: see `digest_of`
        :return: how many changes there were
        :rtype: int
        """
        domain = [("person_digest", "in", person_digests), ("erased_at", "=", False)]
        changes = self.sudo().search(domain)
        changes._unsend_notices()
        self.env["g2p.spar.change.link"].sudo().search([("change_id", "in", changes.ids)]).unlink()
        self.env.flush_all()
        values = {"now": fields.Datetime.now(), "ids": changes.ids}
        self._maintain(lambda: self.env.cr.execute(FORGET, values))
        changes.invalidate_recordset()
        return len(changes)

    def _unsend_notices(self):
        """Remove the messages about these changes that have not left yet."""
        self.env["mail.mail"].sudo().search([("spar_change_id", "in", self.ids)]).unlink()

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        old = self.search([("state", "!=", "pending"), ("ended_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        self._maintain(old.unlink)
        return count, count == GC_LIMIT

    def _maintain(self, act):
        """Do what the triggers refuse otherwise."""
        self.env.cr.execute("SELECT set_config('spar.maintenance', 'changes', true)")
        act()
        self.env.cr.execute("SELECT set_config('spar.maintenance', '', true)")


FORGET = """
UPDATE g2p_spar_change SET erased_at = %(now)s, old_masked = NULL, new_masked = NULL,
    new_sealed = NULL, contacts_sealed = NULL, cancelled_by = NULL, user_id = NULL,
    outcome = CASE WHEN state = 'pending' THEN 'erased' ELSE outcome END,
    ended_at = coalesce(ended_at, %(now)s),
    state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
WHERE id = ANY(%(ids)s)"""

# === HELPERS === #


def address_digest(fa):
    return digest(ADDRESS_PURPOSE, fa_key(fa)).hex()


def _masked(contact):
    email, phone = contact.get("email"), contact.get("phone")
    return mask_email(email) if email else mask_number(phone or "")


def _sealed(value, purpose):
    return seal(jsonio.dumps(value), purpose)


# Of an ended change only the contacts may still go, and it may be released, once; of a pending one
# what was asked for stays.
TRIGGERS = """
CREATE OR REPLACE FUNCTION g2p_spar_change_append_only() RETURNS trigger AS $$
DECLARE allowed g2p_spar_change;
BEGIN
    IF coalesce(current_setting('spar.maintenance', true), '') <> '' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        allowed := NEW;
        IF NEW.contacts_sealed IS NULL THEN allowed.contacts_sealed := OLD.contacts_sealed; END IF;
        IF OLD.released_at IS NULL AND OLD.state = 'cancelled' THEN
            allowed.released_at := OLD.released_at;
        END IF;
        IF OLD.state = 'pending' THEN
            allowed.cancelled_by := OLD.cancelled_by;
            allowed.cancel_agent_id := OLD.cancel_agent_id;
            allowed.cancel_agent_name := OLD.cancel_agent_name;
            allowed.cancel_session_id := OLD.cancel_session_id;
            allowed.state := OLD.state;
            allowed.outcome := OLD.outcome;
            allowed.ended_at := OLD.ended_at;
            allowed.try_count := OLD.try_count;
            allowed.next_try_at := OLD.next_try_at;
            allowed.maybe_done := OLD.maybe_done;
            allowed.trying := OLD.trying;
            IF NEW.new_sealed IS NULL THEN allowed.new_sealed := OLD.new_sealed; END IF;
        END IF;
        IF allowed IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'what people have asked for is append-only';
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER g2p_spar_change_rows
    BEFORE UPDATE OR DELETE ON g2p_spar_change
    FOR EACH ROW EXECUTE FUNCTION g2p_spar_change_append_only();
CREATE OR REPLACE TRIGGER g2p_spar_change_truncate
    BEFORE TRUNCATE ON g2p_spar_change
    FOR EACH STATEMENT EXECUTE FUNCTION g2p_spar_change_append_only();
"""
