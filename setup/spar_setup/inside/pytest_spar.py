# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""pytest plugin: an error that nobody expected in a log makes the test fail that caused it.

A test that expects one takes it out of the log: `mute_logger`, `assertLogs`.
"""

import logging

import pytest

# Logged as a warning, yet a mistake: a route declared read-only has written.
MISTAKES = ("retrying with a read/write cursor",)


class _Collector(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        message = record.getMessage()
        if record.levelno >= logging.ERROR or any(mistake in message for mistake in MISTAKES):
            self.messages.append(f"{record.name}: {message}")


_collector = _Collector()


def pytest_sessionstart():
    logging.getLogger().addHandler(_collector)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    _collector.messages.clear()
    result = yield
    if _collector.messages:
        pytest.fail("errors in the log:\n" + "\n".join(_collector.messages), pytrace=False)
    return result
