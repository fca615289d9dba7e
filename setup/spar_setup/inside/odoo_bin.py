# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Odoo's command. A file of its own, since Odoo starts its gevent worker by this file's name."""

import logging

import odoo.cli


def not_the_websocket(record):
    """Without a proxy in front, browsers ask an HTTP worker for the websocket again and again.

    Nothing here needs it; the errors would hide others.
    """
    return not (record.exc_info and "Couldn't bind the websocket" in str(record.exc_info[1]))


if __name__ == "__main__":
    logging.getLogger("odoo.http").addFilter(not_the_websocket)
    odoo.cli.main()
