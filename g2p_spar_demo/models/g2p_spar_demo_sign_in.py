# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
import secrets
from datetime import timedelta
from hmac import compare_digest

from odoo import api, fields, models

from ..oidc_request import AuthorizationRequest, OAuthError

# eSignet's, in seconds.
CODE_LIFETIME = 120
TOKEN_LIFETIME = 3600
REQUEST_LIFETIME = 600
REMEMBERED = 3600
KEPT = timedelta(days=1)
MAX_TRIES = 5


def digest(handle):
    return hashlib.sha256(handle.encode()).hexdigest()


class G2pSparDemoSignIn(models.Model):
    """One authorization request at the demonstration identity provider, and what becomes of it:
    somebody types the one-time code, the relying party redeems the authorization code, asks for
    user-info, and sends the person here to sign out.

    Handles (of the form, the browser, the code and the access token) are random, and stored as
    digests. The one-time code is shown on screen anyway.
    """

    _name = "g2p.spar.demo.sign.in"
    _description = "SPAR Demonstration Sign-in"

    redirect_uri = fields.Char(required=True)
    state = fields.Char(required=True)
    nonce = fields.Char(required=True)
    code_challenge = fields.Char(required=True)
    claims = fields.Char()
    ui_locales = fields.Char()

    form_digest = fields.Char(required=True, index="btree_not_null")
    one_time_code = fields.Char(required=True)
    tries = fields.Integer()

    person_id = fields.Many2one("g2p.spar.demo.person", ondelete="cascade")
    auth_time = fields.Datetime()
    browser_digest = fields.Char(index="btree_not_null")

    code_digest = fields.Char(index="btree_not_null")
    code_given_at = fields.Datetime()
    code_redeemed = fields.Boolean()
    assertion_jti = fields.Char()
    token_digest = fields.Char(index="btree_not_null")
    token_given_at = fields.Datetime()

    # eSignet refuses both when they come again.
    _nonce_unique = models.UniqueIndex("(nonce)")
    _assertion_jti_unique = models.UniqueIndex("(assertion_jti) WHERE assertion_jti IS NOT NULL")

    # === BUSINESS METHODS === #

    @api.model
    def _begin(self, asked: AuthorizationRequest):
        """:return: the new record, and the handle for its form"""
        if self.search_count([("nonce", "=", asked.nonce)], limit=1):
            raise OAuthError("invalid_request", "nonce has been used before")
        form = secrets.token_urlsafe(32)
        record = self.create(
            {
                "redirect_uri": asked.redirect_uri,
                "state": asked.state,
                "nonce": asked.nonce,
                "code_challenge": asked.code_challenge,
                "claims": " ".join(asked.claims),
                "ui_locales": asked.ui_locales,
                "form_digest": digest(form),
                "one_time_code": f"{secrets.randbelow(10**6):06}",
            }
        )
        return record, form

    @api.model
    def _of_form(self, form):
        """The request that a form belongs to, while it is open."""
        since = fields.Datetime.now() - timedelta(seconds=REQUEST_LIFETIME)
        return self.search(
            [
                ("form_digest", "=", digest(form)),
                ("code_digest", "=", False),
                ("create_date", ">", since),
            ]
        )

    @api.model
    def _remembered(self, browser):
        """The last sign-in of a browser that has not signed out."""
        since = fields.Datetime.now() - timedelta(seconds=REMEMBERED)
        domain = [("browser_digest", "=", digest(browser)), ("auth_time", ">", since)]
        return self.search(domain, order="id desc", limit=1)

    def _check_code(self, one_time_code):
        """Whether that is the code on the screen; false for ever after some wrong ones."""
        if self.tries >= MAX_TRIES:
            return False
        self.tries += 1
        return compare_digest(self.one_time_code.encode(), one_time_code.strip().encode())

    def _authenticated(self, person):
        """:return: the browser's new handle"""
        browser = secrets.token_urlsafe(32)
        self.write(
            {
                "person_id": person.id,
                "auth_time": fields.Datetime.now(),
                "browser_digest": digest(browser),
            }
        )
        return browser

    def _continue(self, remembered):
        """Take over who has signed in before, and when."""
        self.write(
            {
                "person_id": remembered.person_id.id,
                "auth_time": remembered.auth_time,
                "browser_digest": remembered.browser_digest,
            }
        )

    def _give_code(self):
        code = secrets.token_urlsafe(32)
        self.write({"code_digest": digest(code), "code_given_at": fields.Datetime.now()})
        return code

    @api.model
    def _redeem(self, code, redirect_uri, verifier, jti):
        """Give the access token for a code, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

        :return: the record and the token
        :raise OAuthError: the code's life has ended all the same
        """
        record = self.search([("code_digest", "=", digest(code))])
        if not record:
            raise OAuthError("invalid_grant", "code is not known")
        if self.search_count([("assertion_jti", "=", jti)], limit=1):
            raise OAuthError("invalid_client", "jti has been used before")
        if record.code_redeemed:
            record.token_digest = False
            raise OAuthError("invalid_grant", "code has been used before")
        record.write({"code_redeemed": True, "assertion_jti": jti})
        if not _is_recent(record.code_given_at, CODE_LIFETIME):
            raise OAuthError("invalid_grant", "code has expired")
        if redirect_uri != record.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one that was asked with")
        if not compare_digest(_challenge(verifier), record.code_challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit code_challenge")
        token = secrets.token_urlsafe(32)
        record.write({"token_digest": digest(token), "token_given_at": fields.Datetime.now()})
        return record, token

    @api.model
    def _of_token(self, token):
        record = self.search([("token_digest", "=", digest(token))])
        return record if _is_recent(record.token_given_at, TOKEN_LIFETIME) else self.browse()

    @api.model
    def _sign_out(self, browser):
        """Forget a browser, and end the access tokens that it helped to."""
        records = self.search([("browser_digest", "=", digest(browser))])
        records.write({"browser_digest": False, "token_digest": False})

    @api.autovacuum
    def _gc_sign_ins(self):
        self.search([("create_date", "<", fields.Datetime.now() - KEPT)], limit=10_000).unlink()


def _is_recent(moment, seconds):
    return bool(moment) and fields.Datetime.now() - moment <= timedelta(seconds=seconds)


def _challenge(verifier):
    value = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
