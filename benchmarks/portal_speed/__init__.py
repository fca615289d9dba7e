# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How fast self service is: `benchmarks/portal`."""
