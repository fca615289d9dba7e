# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Telling all workers that what they have cached does not hold any more."""

_SIGNALLED = "g2p_spar_mapper.caches_forgotten"


def forget_with_commit(cr):
    """All workers forget what they have cached with this transaction's commit: Odoo's own signal to
    them, which follows `clear_cache`, comes a moment after it.

    Workers compare the highest number seen, and a number is taken at the INSERT. So that comes last
    before the commit, once per flush. What remains: while another transaction commits a higher
    number in between, a worker may pass this one over until Odoo's own signal.
    """
    if cr.precommit.data.get(_SIGNALLED):
        return
    cr.precommit.data[_SIGNALLED] = True
    cr.precommit.add(lambda: cr.execute("INSERT INTO orm_signaling_default DEFAULT VALUES"))
