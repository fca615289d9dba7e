# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command

from odoo.addons.g2p_spar_connector_g2p.tests.common import OpenG2PWorld


class ManagerWorld(OpenG2PWorld):
    """A programme that pays through another manager than the default one."""

    @classmethod
    def use_manager(cls, model, **values):
        """Replace the programme's payment manager by one of another model."""
        cls.program.payment_managers.unlink()
        cls.manager = cls.env[model].create(
            {
                "name": "Other",
                "program_id": cls.program.id,
                "fa_source": "spar",
                "batch_tag_ids": [Command.set(cls.tag.ids)],
                **values,
            }
        )
        cls.program.payment_managers = [
            Command.create(
                {"program_id": cls.program.id, "manager_ref_id": f"{model},{cls.manager.id}"}
            )
        ]
