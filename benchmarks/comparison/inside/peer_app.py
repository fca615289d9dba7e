# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""OpenG2P's mapper as gunicorn serves it (`peer_app:app`); run as a program, it makes its table.

Runs in the peer's virtual environment.
"""

import logging
import sys

# First: the settings of whichever module asks first hold for all of them.
from openg2p_spar_mapper_api.app import Initializer  # isort: skip
from openg2p_g2pconnect_common_lib.jwt_signature_validator import JWTSignatureValidator


async def _valid(self):
    """In place of a call to a remote key manager. This favours the peer."""
    return True


JWTSignatureValidator.__call__ = _valid
_initializer = Initializer()
# Its line per request ignores the configured level, and is costly.
logging.getLogger("fastapi-request-logger").setLevel(logging.ERROR)
app = _initializer.return_app()

if __name__ == "__main__":
    _initializer.migrate_database(sys.argv[1:])
