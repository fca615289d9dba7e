# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.tools.safe_eval import datetime, dateutil, safe_eval, time


class ManagerMixin(models.AbstractModel):
    """Wrapper: a line of a programme that refers to the record which does the work."""

    _name = "g2p.manager.mixin"
    _description = "Manager Mixin"
    _rec_name = "display_name"

    manager_id = fields.Integer("Manager", compute="_compute_manager_id")
    manager_ref_id = fields.Reference(
        string="Managers", selection="_selection_manager_ref_id", required=True
    )

    @api.model
    def _selection_manager_ref_id(self):
        return []

    @api.depends("manager_ref_id")
    def _compute_manager_id(self):
        for record in self:
            record.manager_id = record.manager_ref_id.id if record.manager_ref_id else 0

    @api.depends("manager_ref_id")
    def _compute_display_name(self):
        labels = dict(self._selection_manager_ref_id())
        for record in self:
            reference = record.manager_ref_id
            record.display_name = (
                f"{labels.get(reference._name, '')} - {reference.name}" if reference else ""
            )

    def open_manager_form(self):
        self.ensure_one()
        return {
            "name": self.manager_ref_id.name,
            "type": "ir.actions.act_window",
            "res_model": self.manager_ref_id._name,
            "res_id": self.manager_ref_id.id,
            "view_mode": "form",
            "views": [(self.manager_ref_id.get_manager_view_id(), "form")],
            "target": "new",
        }


class ManagerSourceMixin(models.AbstractModel):
    """The record which does the work."""

    _name = "g2p.manager.source.mixin"
    _description = "Manager Data Source Mixin"

    def unlink(self):
        """The lines of programmes that refer to it go with it."""
        for record in self:
            reference = f"{record._name},{record.id}"
            for manager in self.get_managers_for_unlink(reference):
                manager.unlink()
        return super().unlink()

    def get_managers_for_unlink(self, reference):
        return [
            self.env[name].search([("manager_ref_id", "=", reference)])
            for name in self.env["g2p.program"].MANAGER_MODELS_WRAPPERS
        ]

    def get_manager_view_id(self):
        """First form of the model, by the order of views: priority, name, id."""
        return (
            self.env["ir.ui.view"]
            .sudo()
            .search([("model", "=", self._name), ("type", "=", "form")], limit=1)
            .id
        )


class BaseProgramsManager(models.AbstractModel):
    _name = "base.programs.manager"
    _description = "Base Programs Manager"

    def _get_eval_context(self):
        return {
            "datetime": datetime,
            "dateutil": dateutil,
            "time": time,
            "uid": self.env.uid,
            "user": self.env.user,
        }

    def _safe_eval(self, string, locals_dict=None):
        return safe_eval(string, {**self._get_eval_context(), **(locals_dict or {})})
