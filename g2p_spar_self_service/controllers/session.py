# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import route

from odoo.addons.web.controllers.session import Session


def _writes(*_arguments):
    """Not read-only; Odoo warns of a plain False where the route of the parent is."""
    return False


class SparSession(Session):
    """What ends with a log-in is written: see ``_post_logout`` of ``ir.http``."""

    @route(readonly=_writes)
    def destroy(self):
        """Override: Odoo's, where it may write."""
        return super().destroy()

    @route(readonly=_writes)
    def logout(self, redirect="/odoo"):
        """Override: likewise."""
        return super().logout(redirect)
