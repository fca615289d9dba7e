# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import dispatcher  # isort: skip - before routes of its type

from . import callback, jwks
