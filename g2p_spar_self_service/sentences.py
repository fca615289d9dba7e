# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Whole sentences of pages with something in their middle: in another language it stands elsewhere.

Each is translated as one; templates get them from `web.page`.
"""

from markupsafe import Markup

from odoo import fields
from odoo.http import request
from odoo.tools import format_date, format_time


def when(moment):
    """Date and time for people, in their language and in the time zone of the company.

    :param datetime moment: UTC without zone
    """
    env = request.env
    local = fields.Datetime.context_timestamp(env.user, moment)
    date = format_date(env, local.date(), date_format="long")
    time = format_time(env, local.time(), time_format="short")
    zone = "" if local.utcoffset() else " UTC"
    return f"{date}, {time}{zone}"


def what_was_asked(change):
    """What a change is about, and whether an agent helped."""
    asked = _what_was_asked(change)
    helped = change.help_told()
    return Markup("%s %s") % (asked, helped) if helped else asked


def _what_was_asked(change):
    old, new = _account(change.old_masked), _account(change.new_masked)
    if change.operation == "unlink":
        return request.env._("You asked to remove the account %(old)s.", old=old)
    if change.operation == "update":
        return request.env._(
            "You asked to be paid to %(new)s instead of %(old)s.", new=new, old=old
        )
    return request.env._("You asked to be paid to %(new)s.", new=new)


def what_became(change):
    """What has become of a change, and whether an agent helped to cancel it."""
    became, helped = _what_became(change), change.cancel_help_told()
    return f"{became} {helped}" if helped else became


def _what_became(change):
    if change.state == "applied":
        return request.env._("It took effect on %s.", when(change.ended_at))
    if change.state == "cancelled":
        return request.env._("It was cancelled on %s; nothing has changed.", when(change.ended_at))
    if change.waits():
        return request.env._(
            "It takes effect on %s. Until then, nothing changes.", when(change.due_at)
        )
    if change.state == "pending":
        return request.env._(
            "It is being carried out. The registry has not answered yet; we keep trying, and you "
            "need not do anything."
        )
    return request.env._("It was not made: %s Nothing was changed by it.", change.outcome_text)


def sign_in_with(provider):
    """What the button of a provider says that has no words of its own."""
    return request.env._("Sign in with %s", provider.name)


def sign_out_at(provider):
    return request.env._("Sign out at %s", provider.name)


def sign_out_there(provider):
    return request.env._(
        "Sign out at %s as well, above all if others use this device.", provider.name
    )


def begin_at(provider):
    """What the button says with which an agent begins."""
    return request.env._("The person signs in with %s", provider.name)


def helping(person):
    """Whom an agent helps."""
    if not person.name:
        return request.env._("You are helping the person who has signed in.")
    return request.env._("You are helping %s.", Markup("<strong>%s</strong>") % person.name)


def ends_after(limits):
    """When a session with an agent ends by itself."""
    return request.env._(
        "The session ends by itself after %(idle)s minutes without a click, and after %(whole)s "
        "minutes at the latest.",
        **limits,
    )


def how_many_changes(assisted):
    """What came of a session with an agent."""
    if assisted.end_reason == "refused":
        return request.env._("refused")
    if not assisted.ended_at:
        return request.env._("not ended")
    return request.env._("changes asked for: %s", assisted.change_count)


def branch_of(provider):
    """Which branch is asked for."""
    name = Markup("<strong>%s</strong>") % provider.name
    return request.env._(
        "The branch of %s where your account is held. Passbooks, cheques and statements name it.",
        name,
    )


def _account(masked):
    return Markup('<span class="account">%s</span>') % (masked or "")


# As templates call them.
ALL = {
    "when": when,
    "what_was_asked": what_was_asked,
    "what_became": what_became,
    "sign_in_with": sign_in_with,
    "sign_out_at": sign_out_at,
    "sign_out_there": sign_out_there,
    "branch_of": branch_of,
    "begin_at": begin_at,
    "helping": helping,
    "ends_after": ends_after,
    "how_many_changes": how_many_changes,
}
