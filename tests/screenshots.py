# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Takes the pictures of the guides: `docs/make-screenshots`. They are made anew as a whole, so that
none shows a page that is not there any more."""

import io
import re

import pytest
from chromium import Visitor, chromium
from conftest import RunningServer, fresh_database
from mapper_client import BackOffice
from page_scenes import SCENES, Stage
from PIL import Image
from spar_setup.state import REPOSITORY

IMAGES = REPOSITORY / "docs" / "images"
PEOPLE = IMAGES / "people"
PHONE = {"width": 360, "height": 640}
SCREEN = {"width": 1280, "height": 720}
MODEL = "g2p.spar.signin.provider"
ALL_TOGETHER = 2_500_000
# What looks like another page, but for its words.
ALIKE = re.compile(r".*-again|(fr-FR|tl-PH)-(?!start|address).*")
GALLERY_HEAD = """# All pages

Each page that people and agents see, in most of its states. `docs/make-screenshots` takes these
pictures, with invented people and banks."""
ESIGNET = {
    "name": "National ID",
    "issuer": "https://esignet.example.org",
    "client_id": "spar-portal",
    "scopes": "openid profile",
    "acr_values": "mosip:idp:acr:generated-code mosip:idp:acr:biometrics",
    "acr_required": "mosip:idp:acr:generated-code mosip:idp:acr:biometrics",
    "claims_request": '{"userinfo": {"name": {"essential": true}, "individual_id": null, '
    '"email": null, "phone_number": null}}',
    "algorithms": "RS256 PS256",
    "id_claim": "individual_id",
    "contacts_verified": True,
    "iss_in_redirect": True,
    "authorization_endpoint": "https://esignet.example.org/authorize",
    "token_endpoint": "https://esignet.example.org/v1/esignet/oauth/v2/token",
    "jwks_uri": "https://esignet.example.org/.well-known/jwks.json",
    "userinfo_endpoint": "https://esignet.example.org/v1/esignet/oidc/userinfo",
}
KEYCLOAK = {
    "name": "Social Protection Account",
    "issuer": "https://keycloak.example.org/realms/people",
    "client_id": "spar",
    "client_auth": "client_secret_basic",
    "client_secret": "of nobody",
    "client_assertion_aud": "issuer",
    "scopes": "openid profile email",
    "userinfo_mode": "json",
    "algorithms": "RS256",
    "id_claim": "national_id",
    "iss_in_redirect": True,
}
ENDPOINTS = {
    "authorization_endpoint": "auth",
    "token_endpoint": "token",
    "jwks_uri": "certs",
    "userinfo_endpoint": "userinfo",
    "end_session_endpoint": "logout",
}


@pytest.fixture(scope="module")
def server():
    running = RunningServer(fresh_database("spar_pictures"))
    running.await_evented()
    yield running
    running.stop()


def save(picture, path, colours):
    """With few colours, which is all that these pages have."""
    with Image.open(io.BytesIO(picture)) as image:
        few = image.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        few.convert("RGB").save(path, lossless=True)


class Gallery:
    """A page with all pictures, on a phone and on a desktop, scene by scene."""

    def __init__(self):
        self._lines = [GALLERY_HEAD]

    def begin(self, scene):
        self._lines += [
            f"\n## {scene.__doc__.rstrip('.')}\n",
            "| page | phone | desktop |",
            "|---|---|---|",
        ]

    def take(self, person, name):
        """See `Stage.show`."""
        if ALIKE.fullmatch(name):
            return
        page = person.page
        page.evaluate("document.activeElement.blur()")
        save(page.screenshot(full_page=True), PEOPLE / f"{name}-phone.webp", 32)
        page.set_viewport_size(SCREEN)
        save(page.screenshot(full_page=True, scale="css"), PEOPLE / f"{name}-desktop.webp", 32)
        page.set_viewport_size(PHONE)
        pictures = [
            f'<img src="images/people/{name}-{kind}.webp" width="{width}" alt="{name}, {kind}">'
            for kind, width in (("phone", 180), ("desktop", 420))
        ]
        self._lines.append(f"| {name} | {' | '.join(pictures)} |")

    def write(self):
        text = "\n".join([*self._lines, ""])
        (REPOSITORY / "docs" / "pages.md").write_text(text, encoding="utf-8")


def test_pages_for_people(server):
    PEOPLE.mkdir(exist_ok=True)
    for old in PEOPLE.iterdir():
        old.unlink()
    gallery = Gallery()
    with chromium() as browser:
        stage = Stage(server, browser, gallery.take, viewport=PHONE, device_scale_factor=1.5)
        for scene in SCENES:
            gallery.begin(scene)
            scene(stage)
    gallery.write()
    assert sum(path.stat().st_size for path in IMAGES.rglob("*.*")) <= ALL_TOGETHER


@pytest.fixture
def manager(server):
    """Somebody in the back end."""
    with chromium() as browser:
        visitor = Visitor(browser, {**SCREEN, "height": 960})
        visitor.page.goto(f"{server.url}/web/login")
        visitor.page.locator("#login").fill(server.admin["login"])
        visitor.page.locator("#password").fill(server.admin["password"])
        visitor.page.locator("form.oe_login_form button[type=submit]").click()
        visitor.page.wait_for_url("**/odoo**")
        yield visitor
        visitor.leave()


def test_sign_in_providers(server, manager):
    """Those of the guide, whose namespace is no other provider's."""
    office = BackOffice(server)
    others = office.find(MODEL)
    office.must(MODEL, "write", others, {"active": False})
    office.must("ir.config_parameter", "set_param", "web.base.url", "https://spar.example.org")
    base = f"{KEYCLOAK['issuer']}/protocol/openid-connect"
    endpoints = {name: f"{base}/{end}" for name, end in ENDPOINTS.items()}
    for values, pages in (
        (ESIGNET, {"Client": "client", "Request": "request", "Person": "person"}),
        ({**KEYCLOAK, **endpoints}, {"Client": "keycloak"}),
    ):
        made = office.must(MODEL, "create", [{**values, **_id(office)}])
        manager.page.goto(f"{server.url}/odoo/spar-signin-providers/{made[0]}")
        for title, name in pages.items():
            manager.page.get_by_role("tab", name=title).click()
            form = manager.page.locator(".o_form_view")
            save(form.screenshot(), IMAGES / f"sign-in-{name}.webp", 64)
        office.must(MODEL, "write", made, {"active": False})


def _id(office):
    """How the ID is made."""
    [namespace] = office.find("g2p.id.namespace", ["name", "=", "nationalId"])
    strategy = office.reference("g2p_spar_fa_directory.g2p_fa_strategy_1")
    return {"namespace_id": namespace, "strategy_id": strategy}
