# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, models, tools


class G2pSparKept(models.AbstractModel):
    """Mixin of settings that change seldom and are read all the time. Any change empties what
    Odoo keeps of them in the memory of all workers: methods may be decorated with `ormcache`, and
    after `recollect` fields are read without a statement."""

    _name = "g2p.spar.kept"
    _description = "Settings that Workers Keep in Memory"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env.registry.clear_cache()
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # === BUSINESS METHODS === #

    @api.private
    def recollect(self):
        """Have what is stored of these records at hand, from the worker's memory. In superuser
        mode: who may see them has been decided.

        :return: the same records
        """
        records = self.sudo()
        for record in records:
            for field, value in zip(records._kept_fields(), records._kept(record.id), strict=False):
                field._insert_cache(record, [value])
        return records

    @tools.ormcache("record_id", "self.env.lang")
    def _kept(self, record_id):
        """What the ORM has in its cache of a record that was read; empty where there is none."""
        kept = self._kept_fields()
        record = self.with_context(bin_size=False).browse(record_id)
        record.fetch([field.name for field in kept])
        caches = [field._get_cache(record.env) for field in kept]
        return tuple(cache[record_id] for cache in caches if record_id in cache)

    def _kept_fields(self):
        """What `recollect` reads: the columns. To be extended."""
        return [
            field
            for field in self._fields.values()
            if field.column_type and field.prefetch is True and field.name != "id"
        ]
