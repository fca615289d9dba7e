# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Guards around the payment managers of a PBMS, of whatever class.

A class that inherits from the default manager may override ``_prepare_payments`` and
``_send_payments`` without calling what it overrides, or change afterwards what that has done. So
the last word is not left to inheritance: the methods of each manager's model are wrapped once the
registry is loaded, as automation rules of Odoo do it.
"""

from contextvars import ContextVar
from functools import wraps

PREPARE = "_prepare_payments"
SEND = "_send_payments"
# What the PBMS calls to send, and what that calls where a job is to do it. The PBMS's own leave it
# to SEND; one by somebody else may send by itself.
START = ("send_payments", "_send_payments_async")
SENDING = (SEND, START[0])

# Batches whose sending is guarded further out on the stack: a manager may call its parent's method.
_guarded = ContextVar("g2p_spar_guarded_batches", default=frozenset())


def guard(model_class, pbms):
    """Wrap the methods of a manager's model in this registry. To be called by `_register_hook`.

    :param str pbms: name of the addon whose default manager it is
    """
    _wrap(model_class, PREPARE, _guarded_prepare)
    _wrap(model_class, SEND, _guarded_send)
    # not where a job of the PBMS calls SEND: payments are handed over then, and not before
    if not hasattr(model_class, SEND) or not _is_started_by(model_class, pbms):
        _wrap(model_class, START[0], _guarded_send)


def unguard(model_class):
    """Undo `guard`."""
    for name in (PREPARE, *SENDING):
        if hasattr(vars(model_class).get(name), "spar_origin"):
            delattr(model_class, name)


def _is_started_by(model_class, pbms):
    methods = (getattr(model_class, name, None) for name in START)
    return all(
        getattr(method, "spar_origin", method).__module__.startswith(f"odoo.addons.{pbms}.")
        for method in methods
        if method
    )


def _wrap(model_class, name, make):
    if not hasattr(model_class, name) or hasattr(vars(model_class).get(name), "spar_origin"):
        return
    origin = getattr(model_class, name)
    wrapper = wraps(origin)(make(origin))
    wrapper.spar_origin = origin
    setattr(model_class, name, wrapper)


def _guarded_prepare(origin):
    def _prepare_payments(self, *args, **kwargs):
        done = origin(self, *args, **kwargs)
        # What does not return both, as the default manager does, is met when payments are sent.
        if isinstance(done, tuple) and len(done) == 2 and done[0]:
            payments, batches = done
            payments.sudo()._spar_enforce(batches and batches.sudo())
        return done

    return _prepare_payments


def _guarded_send(origin):
    def _send_payments(self, batches, *args, **kwargs):
        guarded = _guarded.get()
        if not batches or guarded.issuperset(batches.ids):
            return origin(self, batches, *args, **kwargs)
        batches = _check(self, batches)
        if not batches:
            return None
        token = _guarded.set(guarded.union(batches.ids))
        try:
            return origin(self, batches, *args, **kwargs)
        finally:
            _guarded.reset(token)

    return _send_payments


def _check(manager, batches):
    """:return: those of the batches in which something is left to send"""
    known = manager.env["g2p.spar.payment.manager"]._spar_like(manager)
    payments = batches.sudo().payment_ids
    if not known._spar_is_asked() and not any(payment.spar_state for payment in payments):
        # Should the programme turn to SPAR, they are not to be sent once more.
        payments.filtered(lambda payment: payment._spar_is_open())._spar_note_handed_over()
        return batches
    payments.with_env(manager.env).check_access("write")
    payments._spar_check_before_sending(known, batches.sudo())
    return batches.filtered(lambda batch: batch.sudo().payment_ids)
