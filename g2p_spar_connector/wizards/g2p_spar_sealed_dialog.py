# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo import api, fields, models

from ..secret import seal, unseal


class G2pSparSealedDialog(models.AbstractModel):
    """A dialog in which something about a person is typed: it is stored sealed. The row outlives a
    refused dialog, and a failing statement is logged with its values.

    The fields of ``_typed_fields`` are not stored and computed by ``_compute_typed``;
    ``_seal_purpose`` names the dialog to the secret helper.
    """

    _name = "g2p.spar.sealed.dialog"
    _description = "Dialog about a Person"

    _typed_fields = ()
    _seal_purpose = None

    typed = fields.Char(help="The typed fields, as sealed JSON.")

    @api.depends("typed")
    def _compute_typed(self):
        for dialog in self:
            values = json.loads(unseal(dialog.typed, self._seal_purpose)) if dialog.typed else {}
            for name in self._typed_fields:
                dialog[name] = values.get(name, False)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._seal_typed(vals) for vals in vals_list])

    def write(self, vals):
        for dialog in self:
            super(G2pSparSealedDialog, dialog).write(dialog._seal_typed(vals))
        return True

    def _seal_typed(self, vals):
        """These values, with the typed ones sealed together with what was typed before."""
        typed = {name: vals[name] for name in self._typed_fields if name in vals}
        if not typed:
            return vals
        before = {name: self[name] for name in self._typed_fields} if self else {}
        sealed = seal(json.dumps(before | typed).encode(), self._seal_purpose)
        return {name: vals[name] for name in vals if name not in typed} | {"typed": sealed}
