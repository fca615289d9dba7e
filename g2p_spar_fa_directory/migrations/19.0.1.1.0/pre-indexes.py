# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Drop the trigram indexes that one index of all three columns replaces."""
    cr.execute(
        """
        DROP INDEX IF EXISTS g2p_fa_branch__name_index, g2p_fa_branch__code_index,
                             g2p_fa_branch__mnemonic_index, g2p_fa_provider__name_index
        """
    )
