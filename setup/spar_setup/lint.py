# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/lint: style and mistakes that can be seen without running: ruff, pylint-odoo, test_lint."""

import argparse
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import addons
from .console import say
from .database import INSIDE
from .installation import install, using
from .odoo_config import write_configuration
from .postgres import server_for_tests
from .state import REPOSITORY
from .template import ensure_template, fresh_copy, remove


def main(arguments):
    argparse.ArgumentParser(prog="setup/lint", description=__doc__).parse_args(arguments)
    installation = install(development=True)
    checks = [
        ("ruff check", lambda: _run(installation, "ruff", "check", ".")),
        ("ruff format", lambda: _run(installation, "ruff", "format", "--check", ".")),
        ("pylint-odoo", lambda: _pylint_odoo(installation)),
        ("Odoo's test_lint", lambda: _test_lint(installation)),
    ]
    failed = []
    # At the same time: most of each is done by one process.
    with ThreadPoolExecutor(len(checks)) as pool:
        for title, running in [(title, pool.submit(check)) for title, check in checks]:
            done = running.result()
            say(f"{title}: {'found fault' if done.returncode else 'done'}")
            if done.returncode:
                failed.append(title)
                print(done.stdout, flush=True)
    say(f"Found fault: {', '.join(failed)}" if failed else "No check found fault")
    return 1 if failed else 0


def _run(installation, program, *arguments, **variables):
    return subprocess.run(
        [installation.env.bin / program, *arguments],
        cwd=REPOSITORY,
        env={**installation.env.environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _pylint_odoo(installation):
    # An addon's read-me is made of the fragments in its folder readme/; a large model is spread
    # over files, one for each concern.
    disabled = "--disable=missing-readme,consider-merging-classes-inherited"
    # One job: each of several would read Odoo anew, and the other checks run meanwhile.
    options = ["--rcfile=.pylintrc", disabled, "--jobs", "1"]
    return _run(installation, "pylint", *options, *addons.manifests())


def _test_lint(installation):
    """Odoo's tests of source code, on a database that has all our addons."""
    state = installation.state
    server = server_for_tests(state, installation.env)
    with state.lock("test", "testing"), using(state, server, state.tests):
        template = ensure_template(installation, server)
        database = fresh_copy(installation, server, template, "spar_lint")
        try:
            return _run_test_lint(installation, database)
        finally:
            remove(database)


def _run_test_lint(installation, database):
    # A copy: Odoo's tests walk through the folder, and the repository also holds the state folder.
    copies = database.folder / "addons"
    for name in addons.manifests():
        shutil.copytree(REPOSITORY / name, copies / name)
    configuration = write_configuration(
        database.folder, database.name, database.server, addons_path=copies
    )
    tests = Path(installation.odoo["path"]) / "odoo/addons/test_lint/tests"
    if not tests.is_dir():
        tests = Path(installation.odoo["path"]) / "addons/test_lint/tests"
    # Not prepended to sys.path, Odoo's addons cannot shadow modules such as `calendar`.
    options = ["-q", "-rs", "--tb=short", "-p", "pytest_lint", "--import-mode=importlib"]
    return _run(
        installation,
        "pytest",
        *options,
        f"--rootdir={tests}",
        f"--odoo-config={configuration}",
        f"--odoo-database={database.name}",
        tests,
        **database.server.variables,
        PYTHONPATH=str(INSIDE),
    )
