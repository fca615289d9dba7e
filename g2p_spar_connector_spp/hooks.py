# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import names


def uninstall_hook(env):
    """Payment managers let go of ID rules: those of ID documents are deleted with that source, and
    the others are to be deletable, though tables of other addons' managers keep our columns."""
    env = env(context={**env.context, "active_test": False})
    for model, _label in env[names.PAYMENT_MANAGER]._selection_manager_ref_id():
        if model in env and "spar_id_rule_id" in env[model]._fields:
            env[model].search([("spar_id_rule_id", "!=", False)]).spar_id_rule_id = False
