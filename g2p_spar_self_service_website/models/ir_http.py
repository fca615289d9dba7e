# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import SUPERUSER_ID, models
from odoo.http import request

from odoo.addons.g2p_spar_self_service.web import LANDING_PATH


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _spar_visitor(cls):
        """Override: each website has its own."""
        websites = request.env(user=SUPERUSER_ID)["website"].with_context(lang="en_US")
        return websites.get_current_website()._get_cached("user_id")

    @classmethod
    def _spar_company(cls):
        """Override: that of the website, also for a user of another company."""
        website = request.env["website"].get_current_website()
        return request.env["res.company"].sudo().browse(website._get_cached("company_id"))

    @classmethod
    def _spar_languages(cls):
        """Override: those of the website."""
        codes = request.env["website"].get_current_website()._spar_language_codes()
        # not `_get_frontend`: it keeps for all pages of a website what it has said to one of them
        known = request.env["res.lang"]._get_active_by("code")
        return {code: data for code, data in known.items() if code in codes}

    @classmethod
    def _spar_default_lang(cls):
        """Override: that of the website."""
        website = request.env["website"].get_current_website()
        return request.env["res.lang"]._get_data(id=website._get_cached("default_lang_id")).code

    @classmethod
    def _spar_error(cls, response):
        """Override: where Odoo has turned to a page of the website's for an error, ours is none of
        them, with their addresses of files elsewhere."""
        if request.httprequest.path.startswith(LANDING_PATH):
            request.is_frontend = request.is_frontend_multilang = request.website = False
            request.update_context(website_id=False)
        return super()._spar_error(response)

    @classmethod
    def _register_website_track(cls, response):
        """Override: who has been on our pages is nobody's business."""
        if request.httprequest.path.startswith(LANDING_PATH):
            return False
        return super()._register_website_track(response)
