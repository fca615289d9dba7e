# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    test_change,
    test_change_protection,
    test_oidc_authorization,
    test_oidc_flow,
    test_oidc_id_token,
    test_oidc_jose,
    test_pages,
    test_reach,
    test_receipt,
    test_self_service,
    test_sign_in,
    test_sign_in_attacks,
    test_signin_provider,
)
