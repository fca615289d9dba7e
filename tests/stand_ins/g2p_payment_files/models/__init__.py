# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import payment, payment_file_config, payment_manager
