# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How fast asynchronous messages are: `benchmarks/asynchronous`."""
