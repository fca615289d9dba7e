# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What tests use of the npm registry: a provider to sign in at, and a checker of pages."""

from pathlib import Path

from spar_setup.node_env import NodeEnv
from spar_setup.state import State

FOLDER = Path(__file__).parent / "npm"


def npm_packages():
    """A `NodeEnv` with what `tests/npm/package-lock.json` lists, installed."""
    state = State()
    env = NodeEnv(state.root / "npm", FOLDER, "npm packages of the tests")
    with state.lock("npm", "installing npm packages"):
        env.ensure()
    return env
