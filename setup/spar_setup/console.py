# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Progress and errors, on standard error: standard output is left to results."""

import sys
import time
from contextlib import contextmanager

_STARTED = time.monotonic()


class SetupError(Exception):
    """Something the person at the keyboard has to act on.

    :param str message: what went wrong
    :param str hint: what to do about it
    """

    def __init__(self, message, hint=""):
        super().__init__(message)
        self.message = message
        self.hint = hint


def say(message):
    """Print one line of progress with the seconds since the command began."""
    seconds = time.monotonic() - _STARTED
    print(f"[{seconds:5.0f} s] {message}", file=sys.stderr, flush=True)


@contextmanager
def step(title):
    """Announce a step, and say how long it took when that is worth knowing."""
    say(f"{title} ...")
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    if took >= 1:
        say(f"{title}: done in {took:.0f} s")


def report_error(error):
    """Print a `SetupError` for a person."""
    print(f"\nerror: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"       {error.hint}", file=sys.stderr)
    sys.stderr.flush()


def end(main, *arguments):
    """Run a command's `main`, and leave: with its return value, 1 after a `SetupError`, or 130
    after Ctrl-C."""
    try:
        sys.exit(main(*arguments))
    except SetupError as error:
        report_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        say("Stopped")
        sys.exit(130)
