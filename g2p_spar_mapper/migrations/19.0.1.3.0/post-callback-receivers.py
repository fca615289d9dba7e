# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.


def migrate(cr, _version):
    """Turns are those of receivers, each of which needs a row."""
    cr.execute(
        """INSERT INTO g2p_spar_callback_receiver (participant_id, host)
        SELECT DISTINCT participant_id, split_part(url, '/', 3) FROM g2p_spar_callback
        WHERE state != 'delivered' ON CONFLICT DO NOTHING"""
    )
