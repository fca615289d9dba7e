# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_self_service.tests.translations import TranslationsMixin


class TestTranslations(TranslationsMixin, TransactionCase):
    module = "g2p_spar_self_service_website"

    def _is_read_by_people(self, place):
        """Also the entry of the menu."""
        return place.startswith("model:website.menu,name") or super()._is_read_by_people(place)
