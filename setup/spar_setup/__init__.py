# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What setup/start, setup/stop, setup/test and setup/lint share.

Standard library only: it runs before the virtual environment exists.
"""
