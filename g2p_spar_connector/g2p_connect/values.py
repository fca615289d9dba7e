# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the mapper operations take and give: plain values, free of any wire format.

Named tuples on purpose: immutable, and cheap enough for 10 000 of them per message.
Field names are those of the G2P-Connect mapper standard 1.0.0 (LinkRequest, UpdateRequest,
UnlinkRequest, ResolveRequest and their responses).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

OPERATIONS = ("link", "update", "unlink", "resolve")
PROFILES = ("strict", "openg2p_1", "openg2p_2")

# Of what a mapper keeps for a mapping beside ID and FA.
NAME_MAX_LENGTH = 255
PHONE_MAX_LENGTH = 64

Operation = Literal["link", "update", "unlink", "resolve"]
Profile = Literal["strict", "openg2p_1", "openg2p_2"]


class Outcome(StrEnum):
    """How one item ended, whatever the profile calls it on the wire (`codes.reason`)."""

    # success of link, update, unlink
    DONE = "done"
    UNCHANGED = "unchanged"  # update to what is there already

    # answers of resolve; that there is nothing to find is an answer too
    ID_ACTIVE = "id_active"
    ID_INACTIVE = "id_inactive"
    ID_NOT_FOUND = "id_not_found"
    FA_ACTIVE = "fa_active"
    FA_INACTIVE = "fa_inactive"
    FA_NOT_FOUND = "fa_not_found"
    FA_NOT_LINKED_TO_ID = "fa_not_linked_to_id"

    # refusals
    REFERENCE_ID_INVALID = "reference_id_invalid"
    REFERENCE_ID_DUPLICATE = "reference_id_duplicate"
    TIMESTAMP_INVALID = "timestamp_invalid"
    ID_EMPTY = "id_empty"
    ID_INVALID = "id_invalid"
    FA_EMPTY = "fa_empty"
    FA_INVALID = "fa_invalid"
    NAME_INVALID = "name_invalid"
    PHONE_INVALID = "phone_invalid"
    ADDITIONAL_INFO_INVALID = "additional_info_invalid"
    LOCALE_INVALID = "locale_invalid"
    ID_OR_FA_REQUIRED = "id_or_fa_required"
    SCOPE_NOT_SUPPORTED = "scope_not_supported"
    ALREADY_LINKED = "already_linked"
    NOT_LINKED = "not_linked"
    FA_MISMATCH = "fa_mismatch"  # unlink with another FA than the linked one
    ID_NOT_ALLOWED = "id_not_allowed"  # authority: one text, whatever the cause
    FA_NOT_ALLOWED = "fa_not_allowed"
    RETRY = "retry"
    OTHER = "other"

    # Enum's own is slow, and outcomes are looked up for every item.
    __hash__ = str.__hash__

    @property
    def succeeded(self) -> bool:
        """True when the item's status on the wire is `succ`.

        A resolve that finds nothing has succeeded as well; ask for `ID_ACTIVE` or `FA_ACTIVE`
        to know that money can be sent.
        """
        return self in _SUCCEEDED


_SUCCEEDED = frozenset(
    {
        Outcome.DONE,
        Outcome.UNCHANGED,
        Outcome.ID_ACTIVE,
        Outcome.ID_INACTIVE,
        Outcome.ID_NOT_FOUND,
        Outcome.FA_ACTIVE,
        Outcome.FA_INACTIVE,
        Outcome.FA_NOT_FOUND,
        Outcome.FA_NOT_LINKED_TO_ID,
    }
)


class Problem(NamedTuple):
    """Why an item is refused before it reaches the mapper; the message names the field at fault.

    None as message stands for the standard text of the outcome.
    """

    outcome: Outcome
    message: str | None = None


class LinkItem(NamedTuple):
    reference_id: str
    id: str
    fa: str
    name: str | None = None
    phone_number: str | None = None
    additional_info: Any = None
    locale: str | None = None
    timestamp: str | None = None
    problem: Problem | None = None


class UpdateItem(NamedTuple):
    reference_id: str
    id: str
    fa: str
    name: str | None = None
    phone_number: str | None = None
    additional_info: Any = None
    locale: str | None = None
    timestamp: str | None = None
    problem: Problem | None = None


class UnlinkItem(NamedTuple):
    """An empty `fa` counts as absent: the ID is unlinked from whatever it is linked to."""

    reference_id: str
    id: str
    fa: str = ""
    additional_info: Any = None
    locale: str | None = None
    timestamp: str | None = None
    problem: Problem | None = None


class ResolveItem(NamedTuple):
    """An empty `id` or `fa` counts as absent."""

    reference_id: str
    id: str = ""
    fa: str = ""
    name: str | None = None
    scope: Literal["yes_no", "details"] = "yes_no"
    additional_info: Any = None
    locale: str | None = None
    timestamp: str | None = None
    problem: Problem | None = None


Item = LinkItem | UpdateItem | UnlinkItem | ResolveItem
ITEM_TYPES = {
    "link": LinkItem,
    "update": UpdateItem,
    "unlink": UnlinkItem,
    "resolve": ResolveItem,
}


class AccountProvider(NamedTuple):
    """AccountProviderInfo of the standard; `subcode` is the branch."""

    name: str
    code: str
    subcode: str | None = None
    additional_info: Any = None


class Address(NamedTuple):
    """The parts of a financial address that its mapper can read.

    `fa_type` is `bank`, `mobile_wallet` or `email_wallet`; `number` the account number, mobile
    number or e-mail address; `strategy_code` OpenG2P's `strategy_id` of the string's form.
    """

    fa_type: Literal["bank", "mobile_wallet", "email_wallet"]
    number: str
    provider_code: str
    provider_name: str
    branch_code: str | None = None
    branch_name: str | None = None
    strategy_code: int | None = None


class Result(NamedTuple):
    """The answer to one item. Results come in the order of the items.

    `message` None stands for the standard text of the outcome. `name`, `phone_number` and
    `since` (when the mapping was last changed, UTC without zone) are for callers in the same
    process: the standard has no place for them in an answer. They and `address`, the parts of an
    `fa` that the mapper can read, are filled where a resolve asked for parts. `fa` is a string
    until `fa_format.tell` makes an object of it.
    """

    reference_id: str
    outcome: Outcome
    message: str | None = None
    id: str | None = None
    fa: str | dict | None = None
    name: str | None = None
    phone_number: str | None = None
    provider: AccountProvider | None = None
    additional_info: Any = None
    locale: str | None = None
    since: datetime | None = None
    address: Address | None = None

    @property
    def succeeded(self) -> bool:
        return self.outcome in _SUCCEEDED

    def as_dict(self) -> dict:
        """A dictionary fit for JSON, without the members that are None."""
        values = {key: value for key, value in self._asdict().items() if value is not None}
        values["outcome"] = str(self.outcome)
        if self.since is not None:
            values["since"] = self.since.isoformat()
        for name in ("provider", "address"):
            if name in values:
                parts = values[name]._asdict().items()
                values[name] = {key: value for key, value in parts if value is not None}
        return values


def refusal(item: Item) -> Result:
    """The result of an item that carries a problem."""
    outcome, message = item.problem
    return Result(item.reference_id, outcome, message, id=item.id or None, fa=item.fa or None)


class Actor(NamedTuple):
    """On whose behalf, and through which channel, an operation is called.

    `participant_id` and `message_id` are database ids of the mapper's own records
    (`g2p.spar.participant`, `g2p.spar.message`); other mappers ignore them.
    """

    kind: Literal["participant", "beneficiary", "agent", "staff", "system"]
    channel: Literal["api", "portal", "agent", "back_office", "import", "pbms"]
    name: str
    user_id: int | None = None
    participant_id: int | None = None
    reason: str | None = None
    message_id: int | None = None


class Header(NamedTuple):
    """MsgHeader of the standard: the header of a request."""

    version: str = "1.0.0"
    message_id: str = ""
    message_ts: str = ""
    action: str = ""
    sender_id: str = ""
    sender_uri: str | None = None
    receiver_id: str | None = None
    total_count: int = 0
    is_msg_encrypted: bool = False
    meta: Any = None


class Request(NamedTuple):
    header: Header
    operation: Operation
    transaction_id: str
    items: list[Item]


class AnswerHeader(NamedTuple):
    """MsgCallbackHeader of the standard: the header of an answer or of a callback.

    `completed_count` counts every finished item, refused ones included.
    """

    version: str = "1.0.0"
    message_id: str = ""
    message_ts: str = ""
    action: str = ""
    status: Literal["rcvd", "pdng", "succ", "rjct"] = "succ"
    status_reason_code: str | None = None
    status_reason_message: str | None = None
    total_count: int | None = None
    completed_count: int | None = None
    sender_id: str | None = None
    receiver_id: str | None = None
    is_msg_encrypted: bool = False
    meta: Any = None


class Answer(NamedTuple):
    """`results` is empty when the header says that the message was rejected, or is not done."""

    header: AnswerHeader
    operation: Operation
    transaction_id: str
    correlation_id: str | None
    results: list[Result]
