# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
from typing import NamedTuple

from odoo import api, models, tools
from odoo.tools.image import image_process

from odoo.addons.g2p_spar_self_service.web import LANDING_PATH

LOOK_BUNDLE = "g2p_spar_self_service_website.look"
# Of the picture, in pixels; two for each that is shown.
LOGO_SIZE = (320, 96)
# A first visit to our pages must stay small.
LOGO_BYTES = 40_000


class Look(NamedTuple):
    """What our pages show of a website.

    :param logo: address of the logo, made small; empty where there is none, or none that is small
    :param stylesheet: address of its colours
    """

    name: str
    logo: str
    stylesheet: str


class Website(models.Model):
    _inherit = "website"

    # === BUSINESS METHODS === #

    @api.private
    def spar_look(self):
        """What our pages show of this website.

        :rtype: Look
        """
        self.ensure_one()
        # a page of ours looks alike from left to right and from right to left
        qweb = self.env["ir.qweb"].with_context(website_id=self.id, lang="en_US")
        [stylesheet] = qweb._get_asset_links(LOOK_BUNDLE, js=False)
        return Look(self.sudo().name, self._spar_logo(), stylesheet)

    def _enumerate_pages(self, query_string=None, force=False):
        """Override: of our pages, the landing page is in the sitemap and in menus."""
        yield from super()._enumerate_pages(query_string, force)
        if not query_string or query_string in LANDING_PATH:
            yield {"loc": LANDING_PATH, "name": self.env._("My financial address")}

    # === HELPERS === #

    # both cleared by `write`, as whatever else of a website is kept so
    @tools.ormcache("self.id")
    def _spar_language_codes(self):
        # the language of a page is not known yet
        return frozenset(self.sudo().with_context(lang=False).language_ids.mapped("code"))

    @tools.ormcache("self.id")
    def _spar_logo(self):
        website = self.sudo()
        # where nobody has chosen one, Odoo shows a placeholder
        if not website.logo or website.logo == self._default_logo():
            return ""
        size = "x".join(map(str, LOGO_SIZE))
        small = image_process(base64.b64decode(website.logo), size=LOGO_SIZE)
        return self.image_url(website, "logo", size) if len(small) <= LOGO_BYTES else ""
