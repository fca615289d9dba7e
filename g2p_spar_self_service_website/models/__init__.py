# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import g2p_spar_change, ir_http, ir_qweb, website
