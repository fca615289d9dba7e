# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import test_languages, test_look, test_pages_with_website, test_site, test_translations
