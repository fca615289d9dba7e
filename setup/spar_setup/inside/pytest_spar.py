# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""pytest plugin for tests inside Odoo that run side by side.

An error that nobody expected in a log makes the test fail that caused it; a test that expects one
takes it out of the log: `mute_logger`, `assertLogs`.
"""

import logging
import os
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

# Seconds that Chromium may take to start.
BROWSER_PATIENCE = 60
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


@pytest.fixture(scope="session", autouse=True)
def own_filestore(request):
    """Files of this process's database alone.

    pytest-odoo gives each process a database and all of them one filestore. Odoo collects garbage
    there after each test class, by the database of that process: the others lose what they have
    just written. The copy goes with the folder of the run.
    """
    inside = request.config.pluginmanager.has_plugin("odoo")
    if not inside or "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    request.getfixturevalue("load_registry")
    _be_patient_with_chromium()
    from odoo.tests.common import get_db_name
    from odoo.tools import config

    name = get_db_name()
    shared = Path(config.filestore(name))
    own = shared.with_name(name)
    shutil.rmtree(own, ignore_errors=True)
    # Odoo writes each file once, and never changes one: links are enough.
    shutil.copytree(shared, own, copy_function=os.link)
    with patch.object(config, "filestore", return_value=str(own)):
        yield


def _be_patient_with_chromium():
    """Odoo skips a test whose browser has not come up after ten seconds, which the first one on a
    busy machine may take."""
    from odoo.tests import common

    common.CHECK_BROWSER_ITERATIONS = round(BROWSER_PATIENCE / common.CHECK_BROWSER_SLEEP)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    _collector.messages.clear()
    result = yield
    if _collector.messages:
        pytest.fail("errors in the log:\n" + "\n".join(_collector.messages), pytrace=False)
    return result
