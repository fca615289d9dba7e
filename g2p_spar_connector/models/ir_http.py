# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import re
import traceback

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Rule

from odoo import api, models, tools
from odoo.exceptions import UserError
from odoo.http import SessionExpiredException, request

from ..controllers.dispatcher import SILENT, SparDispatcher
from ..safe_log import describe

_logger = logging.getLogger(__name__)

# Below these paths every answer is JSON, also with a language before them or doubled slashes.
# Odoo's own /web and /my have the form of a language.
_API_PATH = re.compile(
    r"/+(?:(?!web/|my/)[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,4})?(?:@[a-z]+)?/+)?"
    r"(?:spar|api/+mapper|api/+bene-portal)(?:/|\Z)"
    r"|/\.well-known/jwks\.json\Z"
)


class _Refusal:
    """An endpoint that answers with an error, for paths and methods that have none."""

    routing = {
        "type": SparDispatcher.routing_type,
        "auth": "none",
        "content": "none",
        "methods": None,
        "readonly": True,
        "routes": ["/"],
    }

    def __init__(self, error: HTTPException):
        self.error = error

    def __call__(self):
        raise self.error


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _match(cls, path):
        if not _API_PATH.match(path):
            return super()._match(path)
        try:
            rule, args = cls._match_api(path)
        except HTTPException as error:
            rule, args = Rule("/", endpoint=_Refusal(error)), {}
        if rule.endpoint.routing["type"] != SparDispatcher.routing_type:
            return super()._match(path)
        request.is_frontend = request.is_frontend_multilang = False
        return rule, args

    @classmethod
    def _match_api(cls, path):
        """Match the path as it stands: no languages, no redirects, no pages."""
        rule = request.env["ir.http"]._spar_rules().get((path, request.httprequest.method))
        if rule:
            return rule, {}
        if "//" in path:
            raise NotFound()
        router = request.env["ir.http"].routing_map()
        adapter = router.bind_to_environ(request.httprequest.environ)
        try:
            rule, args = adapter.match(path_info=path, return_rule=True)
        except MethodNotAllowed as error:
            raise _method_not_allowed(error.valid_methods) from None
        # Odoo adds OPTIONS to all methods, for the sake of CORS.
        is_preflight = rule.endpoint.routing.get("cors")
        if request.httprequest.method == "OPTIONS" and not is_preflight:
            raise _method_not_allowed(rule.methods)
        return rule, args

    @api.model
    @tools.ormcache(cache="routing")
    def _spar_rules(self):
        """Rules of our own routes that have no variable parts, by path and method: nearly every
        call is to one of these, and to find it here costs a tenth."""
        return {
            (rule.rule, method): rule
            for rule in self.env["ir.http"].routing_map().iter_rules()
            if rule.endpoint.routing["type"] == SparDispatcher.routing_type and not rule.arguments
            for method in rule.methods or ()
            if method != "OPTIONS"
        }

    @classmethod
    def _authenticate(cls, endpoint):
        if isinstance(request.dispatcher, SparDispatcher):
            request.dispatcher.prepare(endpoint.routing)
        return super()._authenticate(endpoint)

    @classmethod
    def _authenticate_explicit(cls, auth):
        if not isinstance(request.dispatcher, SparDispatcher):
            return super()._authenticate_explicit(auth)
        # A browser's session lends neither its user nor its language to an API call. Unexpected
        # exceptions go to the dispatcher, since Odoo would log their text.
        request.env = api.Environment(request.env.cr, None, {})
        request.env.transaction.default_env = request.env
        return getattr(cls, f"_auth_method_{auth}")()

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Of an API call without what is for browsers: languages, debug modes, the editor."""
        if not isinstance(request.dispatcher, SparDispatcher):
            return super()._pre_dispatch(rule, args)
        return request.dispatcher.pre_dispatch(rule, args)

    @classmethod
    def _handle_error(cls, exception):
        is_call = isinstance(request.dispatcher, SparDispatcher)
        if is_call or _API_PATH.match(request.httprequest.path):
            return SparDispatcher(request).handle_error(exception)
        response = super()._handle_error(exception)
        if _may_hold_person(exception):
            _logger.error("Unexpected: %s", describe(exception))
            exception.loglevel = SILENT
        return response


def _may_hold_person(exception) -> bool:
    """Whether the text of an unexpected exception, which Odoo would log, may hold an ID or an FA:
    it comes from a call of the suite's models, or passed through the suite's code."""
    if isinstance(exception, (UserError, HTTPException, SessionExpiredException)):
        return False
    if "/g2p." in request.httprequest.path:
        return True
    frames = traceback.walk_tb(exception.__traceback__)
    return any("/g2p_spar_" in frame.f_code.co_filename for frame, _line in frames)


def _method_not_allowed(methods) -> MethodNotAllowed:
    return MethodNotAllowed(sorted(set(methods or ()) - {"OPTIONS"}))
