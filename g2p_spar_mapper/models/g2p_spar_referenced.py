# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class WatchedMany2one(fields.Many2one):
    """To a model with the mixin ``g2p.spar.referenced``, whose triggers stand for a foreign key."""

    def update_db_foreign_key(self, model, column):
        """Override: none."""


class G2pSparReferenced(models.AbstractModel):
    """Mixin of what mappings refer to: once one has, a record can be archived but not deleted.

    PostgreSQL checks foreign keys row by row, and links that do so at the same time get in each
    other's way at the few providers that all refer to. So triggers check whole statements: what a
    mapping refers to is marked when it is written (``g2p_spar_mapping_refers``), and what is marked
    stays. A row that is deleted at the same moment makes one of the two fail, as with a foreign
    key, since both write it.
    """

    _name = "g2p.spar.referenced"
    _description = "What Mappings Refer to"

    used = fields.Boolean(
        "On Record",
        readonly=True,
        copy=False,
        help="Mappings refer to this, or have. It can be archived, but not deleted.",
    )

    def init(self):
        result = super().init()
        if not self._abstract:
            self.env.cr.execute(SQL(TRIGGERS, table=SQL.identifier(self._table)))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered("used")
        if used:
            raise UserError(
                self.env._(
                    "Mappings refer to this, or have, so it can be archived, but not deleted: %s.",
                    ", ".join(used.mapped("display_name")),
                )
            )


TRIGGERS = """
CREATE OR REPLACE FUNCTION g2p_spar_keep_used() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION '%%, id %%: mappings refer to it, or have', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME;
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER g2p_spar_keep_used
    BEFORE DELETE ON %(table)s
    FOR EACH ROW WHEN (OLD.used) EXECUTE FUNCTION g2p_spar_keep_used();
CREATE OR REPLACE TRIGGER g2p_spar_keep_used_mark
    BEFORE UPDATE OF used ON %(table)s
    FOR EACH ROW WHEN (OLD.used AND NEW.used IS NOT TRUE) EXECUTE FUNCTION g2p_spar_keep_used();
"""
