# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What this addon takes for granted of OpenG2P's `g2p_payment_g2p_connect`, apart from the external
ids in its XML files.
"""

PAYMENT_MANAGER = "g2p.program.payment.manager.g2p.connect"
PAYMENT = "g2p.payment"
