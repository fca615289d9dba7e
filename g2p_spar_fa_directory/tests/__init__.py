# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from . import (
    test_account_number,
    test_filestore,
    test_financial_address,
    test_g2p_fa_account_rule,
    test_g2p_fa_branch,
    test_g2p_fa_directory,
    test_g2p_fa_import,
    test_g2p_fa_provider,
    test_g2p_fa_strategy,
    test_g2p_fa_strategy_try,
    test_g2p_id_namespace,
    test_g2p_spar_kept,
    test_ids,
    test_import,
    test_import_sources,
    test_masking,
    test_pattern,
    test_security,
    test_views,
)
