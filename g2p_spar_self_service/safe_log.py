# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import re

_QUERY = re.compile(r"(/my/financial-address[^?\s]*)\?\S*")
# Of the link that cancels a change: whoever has it can use it.
_CANCEL_TOKEN = re.compile(r"(/my/financial-address/cancel/)[^\s?'\"]+")


class QuietReturns(logging.Filter):
    """Cut the queries of our pages in the access log, and the tokens of links that cancel a change:
    codes and states come in them.

    Werkzeug logs a request line and its status as arguments of one record.
    """

    def filter(self, record):
        if isinstance(record.args, tuple):
            record.args = tuple(
                _quiet(value) if isinstance(value, str) else value for value in record.args
            )
        return True


def _quiet(text):
    return _CANCEL_TOKEN.sub(r"\1...", _QUERY.sub(r"\1", text))


# In force as soon as the addon is loaded, for whichever server Odoo runs. Odoo's own logger names
# the path of a form without its CSRF token.
for name in ("werkzeug", "odoo.http"):
    logging.getLogger(name).addFilter(QuietReturns())
