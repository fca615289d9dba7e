# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..secret import SecretKeyMissing, seal


class G2pSparSealedSecret(models.AbstractModel):
    """A record with a secret by which somebody else knows us. It is typed, stored sealed, and never
    shown again; it goes to one address, and where that is changed it has to be typed anew.

    Whoever inherits has the fields ``<_secret_field>`` (not stored), ``<_secret_field>_sealed``
    (``NO_ACCESS``) and ``<_secret_field>_set_at``.
    """

    _name = "g2p.spar.sealed.secret"
    _description = "Record with a Sealed Secret"

    _secret_field = None
    _secret_purpose = None  # see secret.seal
    _secret_address_field = None

    @api.model_create_multi
    def create(self, vals_list):
        pairs = [self._seal_secret(vals) for vals in vals_list]
        records = super().create([vals for vals, _sealed in pairs])
        for record, (_vals, sealed) in zip(records, pairs, strict=True):
            if sealed:
                record._store_secret(sealed)
        return records

    def write(self, vals):
        vals, sealed = self._seal_secret(vals)
        moved = self.browse()
        if self._secret_address_field in vals and not sealed:
            # a secret goes where it was meant to go, and nowhere else
            address = vals[self._secret_address_field] or False
            moved = self.filtered(lambda record: record[self._secret_address_field] != address)
        result = super().write(vals)
        if sealed:
            self._store_secret(sealed)
        if moved:
            moved._store_secret(False)
        return result

    def _seal_secret(self, vals):
        """The values without a typed secret, and that sealed; None where none was typed: an empty
        one changes nothing."""
        vals = dict(vals)
        secret = (vals.pop(self._secret_field, None) or "").strip()
        if not secret:
            return vals, None
        try:
            return vals, seal(secret.encode(), self._secret_purpose)
        except SecretKeyMissing as error:
            raise UserError(str(error)) from None

    def _store_secret(self, sealed):
        """In superuser mode: nobody may write the field itself."""
        self.sudo().write(
            {
                f"{self._secret_field}_sealed": sealed,
                f"{self._secret_field}_set_at": sealed and fields.Datetime.now(),
            }
        )
