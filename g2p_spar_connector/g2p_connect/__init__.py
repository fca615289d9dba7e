# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The G2P-Connect mapper protocol 1.0.0 in plain Python: no ORM, no Odoo, no network."""
