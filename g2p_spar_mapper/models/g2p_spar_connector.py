# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparConnector(models.Model):
    _inherit = "g2p.spar.connector"

    backend = fields.Selection(
        selection_add=[("local", "This Database")],
        ondelete={"local": lambda connectors: connectors.write({"backend": "none"})},
    )

    def _call(self, operation, actor, items, **options):
        """Override of ``g2p_spar_connector``: the mapper of this database answers."""
        if self.backend != "local":
            return super()._call(operation, actor, items, **options)
        return getattr(self.env["g2p.spar.mapper"], f"{operation}_items")(actor, items, **options)

    def _capabilities(self):
        """Override of ``g2p_spar_connector``."""
        if self.backend != "local":
            return super()._capabilities()
        return frozenset({"history", "since", "suspend"})

    def _ever_linked(self, ids):
        """Override of ``g2p_spar_connector``."""
        if self.backend != "local":
            return super()._ever_linked(ids)
        return self.env["g2p.spar.mapping.event"].ever_linked(ids)

    def _show_address_action(self, id_value):
        """Override of ``g2p_spar_connector``: the dialog that mappings have for it."""
        if self.backend != "local":
            return super()._show_address_action(id_value)
        if not self.env.user.has_group("g2p_spar_mapper.group_show_address"):
            return False
        # as the user: the dialog acts with the user's rights
        mappings = self.env["g2p.spar.mapping"].sudo(False)
        mapping = mappings.search([("id_masked", "=", id_value)], limit=1)
        return mapping.action_show_address() if mapping else False
