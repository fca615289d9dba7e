# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    test_connector,
    test_envelope,
    test_hostile_input,
    test_http,
    test_jsonio,
    test_profiles,
    test_round_trip,
    test_safe_log,
    test_schemas,
    test_secret,
    test_text,
    test_transaction,
)
