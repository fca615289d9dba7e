# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, models


class G2pSparErasure(models.AbstractModel):
    """What is kept of people beside their mappings, to be forgotten when they are erased.

    The mapper of this database calls it when it erases people, whatever else is installed. Where
    the mapper is elsewhere, a dialog of self service does. An addon that keeps something of people
    extends `forget`.
    """

    _name = "g2p.spar.erasure"
    _description = "Erasure of People"

    @api.private
    def forget(self, ids):
        """Hook: remove whatever is readable of these people, and what would write it again. In the
        transaction of the erasure; whether people have mappings makes no difference.

        :param list[str] ids: beneficiary IDs; to be extended with a number of statements that does
            not depend on theirs
        :return: how many records there were about them
        :rtype: int
        """
        return self.env["g2p.spar.outbox"].forget(ids)
