# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import agent, change, home, pages, portal, session, sign_in
