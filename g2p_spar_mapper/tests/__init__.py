# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    test_access_log,
    test_back_office,
    test_change_wizard,
    test_connector,
    test_exchange,
    test_history,
    test_http,
    test_link,
    test_oauth2,
    test_participant,
    test_resolve,
    test_security,
    test_statement_counts,
    test_suspend_erase,
    test_unlink,
    test_update,
)
