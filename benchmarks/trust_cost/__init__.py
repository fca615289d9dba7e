# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What limits, signatures and replay checks add to a request: `benchmarks/trust`."""
