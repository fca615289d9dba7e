# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/compare: SPAR, OpenG2P's own mapper and the bare look-up under the same load.

Standard library only, like `spar_setup`, of which it uses the parts.
"""
