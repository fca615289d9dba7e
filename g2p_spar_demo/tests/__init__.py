# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import test_demo, test_erasure, test_identity_provider, test_languages
