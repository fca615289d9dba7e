# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import controllers, models
from .hooks import post_init_hook, uninstall_hook
