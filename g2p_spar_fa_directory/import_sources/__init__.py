# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Where a directory can be imported from. Plain Python without the ORM.

A source reads one uploaded file and yields what it says of providers and branches
(:class:`~.base.Source`). Another addon adds one with ``selection_add`` on the field ``source`` of
``g2p.fa.import`` and by overriding its method ``_reader``.
"""

from .ifsc import IfscSource
from .schwifty import SchwiftySource
from .template import TemplateSource

SOURCES = {
    "template": TemplateSource(),
    "schwifty": SchwiftySource(),
    "ifsc": IfscSource(),
}
