# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from . import g2p_spar_kept  # isort: skip
from . import (
    g2p_fa_account_rule,
    g2p_fa_branch,
    g2p_fa_directory,
    g2p_fa_import,
    g2p_fa_import_line,
    g2p_fa_provider,
    g2p_fa_strategy,
    g2p_id_namespace,
    res_config_settings,
)
