# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The PostgreSQL server of all benchmarks."""

from contextlib import contextmanager

from spar_setup import installation as setup
from spar_setup.postgres import EmbeddedServer


@contextmanager
def running(installation):
    """Have it run, for one benchmark at a time.

    :return: the server, and the folder for the databases on it
    :rtype: tuple[EmbeddedServer, Path]
    """
    state = installation.state
    server = EmbeddedServer(state, installation.env, name="benchmark")
    folder = state.root / "benchmark"
    with state.lock("benchmark", "measuring"), setup.using(state, server, folder):
        yield server, folder
