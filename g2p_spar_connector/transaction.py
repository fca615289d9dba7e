# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.sql_db import Cursor


def read_committed(cr) -> None:
    """Start a fresh transaction at READ COMMITTED. Call it before anything is written.

    At Odoo's REPEATABLE READ the loser of a race over one row fails and sleeps for seconds
    before it is tried again, and two batches in opposite order deadlock. The level can be set
    only before the first statement, hence the new transaction; it lasts until commit or rollback.

    A test's cursor shares one transaction with the test: it stays as it is.
    """
    if isinstance(cr, Cursor):
        cr.rollback()
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
