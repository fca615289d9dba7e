# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import authorization, discovery, flow, id_token, jose, keys, logout, probe, token, userinfo
from .client import Client
from .problem import OidcProblem, UnknownKey
