# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import AccessDenied, UserError
from odoo.http import Controller, request, route

from odoo.addons.g2p_spar_connector.transaction import read_committed

from .. import current_address
from ..models.g2p_spar_change_draft import NotConfirmed, beneficiary_key, web_session_key
from ..models.g2p_spar_self_service import CannotChange, FieldProblem
from ..web import HOME_PATH, LANDING_PATH, no_store, redirect
from .pages import RECEIPT_PATH, refused, show, unavailable
from .sign_in import begin

KIND_PATH = f"{LANDING_PATH}/change"
PROVIDER_PATH = f"{KIND_PATH}/provider"
BRANCH_PATH = f"{KIND_PATH}/branch"
NUMBER_PATH = f"{KIND_PATH}/number"
REVIEW_PATH = f"{KIND_PATH}/review"
SIGN_IN_PATH = f"{KIND_PATH}/sign-in"
SEARCH_PATH = f"{KIND_PATH}/search"
REMOVE_PATH = f"{LANDING_PATH}/remove"


def _step(path, method):
    return route(path, type="http", auth="spar_beneficiary", methods=[method])


class Change(Controller):
    """One step after the other to another address.

    What was chosen and typed stays on the server, in the draft of this session: addresses of pages
    and hidden fields hold none of it, every step can be opened again, and none needs JavaScript.
    """

    # === which kind, which provider, which branch === #

    @_step(KIND_PATH, "GET")
    def kind(self, **_parameters):
        if _has_pending():
            return redirect(HOME_PATH)
        kinds = _service().kinds()
        current = _service().current(request.spar_person)
        if current.state == current_address.AWAY:
            return unavailable()
        if not current.can_change:
            return redirect(HOME_PATH)
        return _no_way(current) or show("page_kind", {"kinds": kinds, "errors": {}})

    @_step(KIND_PATH, "POST")
    def choose_kind(self, kind="", **_parameters):
        kinds = _service().kinds()
        if kind not in kinds:
            errors = {"kind": request.env._("Choose one of these.")}
            return show("page_kind", {"kinds": kinds, "errors": errors}, status=422)
        _drafts().begin(request.spar_person, _session_key(), kind=kind)
        return redirect(PROVIDER_PATH)

    @_step(PROVIDER_PATH, "GET")
    def provider(self, **_parameters):
        content = _draft().content()
        if not content.get("kind"):
            return redirect(KIND_PATH)
        return show("page_provider", self._providers(content))

    @_step(PROVIDER_PATH, "POST")
    def choose_provider(self, provider_id="", **parameters):
        draft, content = _draft_and_content()
        if not content.get("kind"):
            return redirect(KIND_PATH)
        if not provider_id:
            return self._search(draft, content, "provider", PROVIDER_PATH, parameters)
        provider = _service().provider(provider_id, content["kind"])
        if not provider:
            errors = {"results": request.env._("Choose one from the list.")}
            return show("page_provider", self._providers(content, errors), status=422)
        draft.put({"kind": content["kind"], "provider_id": provider.id})
        return redirect(BRANCH_PATH if _service().has_branches(provider) else NUMBER_PATH)

    @_step(BRANCH_PATH, "GET")
    def branch(self, **_parameters):
        content = _draft().content()
        provider = _service().provider(content.get("provider_id"))
        if not provider:
            return redirect(KIND_PATH)
        return show("page_branch", self._branches(provider, content))

    @_step(BRANCH_PATH, "POST")
    def choose_branch(self, branch_id="", **parameters):
        draft, content = _draft_and_content()
        provider = _service().provider(content.get("provider_id"))
        if not provider:
            return redirect(KIND_PATH)
        if not branch_id:
            return self._search(draft, content, "branch", BRANCH_PATH, parameters)
        branch = _service().branch(branch_id, provider)
        if not branch:
            errors = {"results": request.env._("Choose one from the list.")}
            return show("page_branch", self._branches(provider, content, errors), status=422)
        chosen = {"kind": provider.fa_type, "provider_id": provider.id, "branch_id": branch.id}
        draft.put(chosen)
        return redirect(NUMBER_PATH)

    @_step(SEARCH_PATH, "POST")
    def search(self, query="", what="", **_parameters):
        """The list below a search field while somebody types: a piece of the page."""
        draft, content = _draft_and_content()
        if not content.get("kind") or not draft.count_search():
            return no_store(request.make_response("", status=429 if content else 409))
        provider = _service().provider(content.get("provider_id"))
        searched = {**content, "query": _text(query), "page": 0, "searched": what}
        if what == "branch" and provider:
            template, values = "branch_list", self._branches(provider, searched)
        else:
            template, values = "provider_list", self._providers(searched)
        values["csrf_token"] = request.csrf_token
        html = request.env["ir.qweb"]._render(f"g2p_spar_self_service.{template}", values)
        return no_store(request.make_response(html))

    def _search(self, draft, content, what, path, parameters):
        """Keep what is searched for in the draft, so that no address of a page has it."""
        if not draft.count_search():
            text = request.env._("You have searched very often. Please wait an hour.")
            return show("page_refused", {"reason": text}, status=429)
        query = _text(parameters.get("query", ""))[:200]
        number = _text(parameters.get("page", ""))
        number = int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0
        draft.put({**content, "query": query, "page": number, "searched": what})
        return redirect(path)

    def _providers(self, content, errors=None):
        service, kind = _service(), content["kind"]
        is_short = service.is_short(kind)
        query, number = _searched(content, "provider")
        found = service.find_providers(kind, query, number) if is_short or query else None
        return {
            "kind": kind,
            "is_short": is_short,
            "found": found,
            "query": query,
            "number": number,
            "errors": errors or {},
        }

    def _branches(self, provider, content, errors=None):
        query, number = _searched(content, "branch")
        found = _service().find_branches(provider, query, number)
        return {
            "provider": provider,
            "found": found,
            "query": query,
            "number": number,
            "errors": errors or {},
        }

    # === the number === #

    @_step(NUMBER_PATH, "GET")
    def number(self, **_parameters):
        chosen, elsewhere = _chosen(_draft().content())
        return elsewhere or show("page_number", {**chosen, "typed": {}, "errors": {}})

    @_step(NUMBER_PATH, "POST")
    def enter_number(self, number="", holder_name="", **_parameters):
        draft, content = _draft_and_content()
        chosen, elsewhere = _chosen(content)
        if elsewhere:
            return elsewhere
        number, holder_name = _text(number), _text(holder_name)
        try:
            _service().prepare(request.spar_person, draft, number, holder_name)
        except CannotChange as error:
            return _cannot_change(error)
        except FieldProblem as problem:
            if problem.field == "branch":
                return redirect(BRANCH_PATH)
            typed = {"number": number, "holder_name": holder_name}
            errors = {problem.field: problem.message}
            return show("page_number", {**chosen, "typed": typed, "errors": errors}, status=422)
        return redirect(REVIEW_PATH)

    # === removal === #

    @_step(REMOVE_PATH, "GET")
    def remove(self, **_parameters):
        if _has_pending():
            return redirect(HOME_PATH)
        current = _service().current(request.spar_person)
        if current.state == current_address.AWAY:
            return unavailable()
        if current.state != current_address.LINKED:
            return redirect(HOME_PATH)
        return _no_way(current) or show("page_remove", {"current": current})

    @_step(REMOVE_PATH, "POST")
    def prepare_removal(self, **_parameters):
        draft = _drafts().begin(request.spar_person, _session_key())
        try:
            _service().prepare_removal(request.spar_person, draft)
        except CannotChange as error:
            return _cannot_change(error)
        return redirect(REVIEW_PATH)

    # === review and confirm === #

    @_step(REVIEW_PATH, "GET")
    def review(self, **_parameters):
        return self._review(_draft(), {})

    @_step(SIGN_IN_PATH, "POST")
    def sign_in_again(self, version="", **_parameters):
        """Send the person to the provider, to confirm what the draft holds now."""
        draft, session = _draft(), request.spar_person.session
        if not session or not draft.content() or version != draft.version():
            return redirect(REVIEW_PATH)
        return begin(session.provider_id, REVIEW_PATH, session=session, purpose_ref=version)

    @_step(REVIEW_PATH, "POST")
    def confirm(self, version="", password="", **_parameters):
        """Ask for the change, once: of two clicks, the second one waits and sees the first."""
        read_committed(request.env.cr)
        draft = _draft()
        if not draft:
            return redirect(HOME_PATH)
        has_proven = _has_proven(password)
        if password and not has_proven:
            errors = {"password": request.env._("This is not your password.")}
            return self._review(draft, errors)
        try:
            change = draft.confirm(request.spar_person, version, has_proven)
        except NotConfirmed:
            return redirect(REVIEW_PATH)
        except UserError as error:
            return refused(error)
        change.apply_now()
        return redirect(f"{RECEIPT_PATH}/{change.number}")

    def _review(self, draft, errors):
        content = draft.content()
        if "operation" not in content:
            # what was reviewed here is asked for already, or too old
            return redirect(HOME_PATH)
        person = request.spar_person
        values = {
            "content": content,
            "version": draft.version(),
            "needs_sign_in": draft.needs_sign_in(person),
            "due_at": _service().due_at(content),
            "errors": errors,
        }
        posts_to = person.session.provider_id.pages()
        return show("page_review", values, status=422 if errors else 200, posts_to=posts_to)


# === HELPERS === #


def _service():
    return request.env["g2p.spar.self.service"]


def _drafts():
    return request.env["g2p.spar.change.draft"]


def _draft():
    return _drafts().of_session(request.spar_person, _session_key())


def _draft_and_content():
    draft = _draft()
    return draft, draft.content()


def _session_key():
    """What is this session's alone."""
    person = request.spar_person
    if person.session:
        return beneficiary_key(person.session)
    return web_session_key(request.session.sid)


def _text(value):
    """What a form has told as text: a file is none, and NUL is in none."""
    return value.replace("\0", "") if isinstance(value, str) else ""


def _no_way(current):
    """A page that says why the person cannot ask for a change now; None where they can."""
    try:
        _service().check_may_begin(request.spar_person, current)
    except UserError as error:
        return refused(error)
    return None


def _has_pending():
    return bool(request.env["g2p.spar.change"].pending_of(request.spar_person.id))


def _searched(content, what):
    """What is searched for on a page, and which page of the list is shown."""
    if content.get("searched", what) != what:
        return "", 0
    return content.get("query", ""), content.get("page", 0)


def _chosen(content):
    """Provider and branch of a draft; or where to go, if something is still to be chosen."""
    provider = _service().provider(content.get("provider_id"))
    if not provider:
        return None, redirect(PROVIDER_PATH if content.get("kind") else KIND_PATH)
    branch = _service().branch(content.get("branch_id"), provider)
    if not branch and _service().has_branches(provider):
        return None, redirect(BRANCH_PATH)
    return {"provider": provider, "branch": branch}, None


def _cannot_change(error):
    if error.current.state == current_address.AWAY:
        return unavailable()
    return redirect(HOME_PATH)


def _has_proven(password):
    """Whether a user of this site has just typed their password once more."""
    user = request.env.user
    if not request.spar_person.user or not _text(password):
        return False
    credential = {"type": "password", "login": user.login, "password": password}
    try:
        with user._assert_can_auth(user=user.id):
            user._check_credentials(credential, {"interactive": True})
    except AccessDenied:
        return False
    return True
