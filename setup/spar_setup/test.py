# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/test: all tests on fresh databases, one summary, and a count that may not fall."""

import argparse
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from . import addons
from .browser import ensure_browser
from .console import say, step
from .database import INSIDE
from .installation import install, using
from .odoo_config import write_configuration
from .postgres import server_for_tests
from .state import REPOSITORY, State
from .template import ensure_pbms_template, ensure_template, fresh_copy, remove

FLOOR = REPOSITORY / "setup" / "test-floor"
PROCESS_TESTS = REPOSITORY / "tests"
STAND_INS = REPOSITORY / addons.STAND_INS
# Reasons for which a test may be skipped everywhere, and those that hold outside CI only: there,
# everything else is at hand.
SKIPS_IN_CI = (r"A shallow clone has not the commit in setup/upgrade-from: ",)
ALLOWED_SKIPS = (
    r"The JSON Schemas of the standard are not at ",
    r"PGHOST names the server, whose log is elsewhere",
    r"The commit in setup/upgrade-from is not at hand: ",
)


@dataclass
class Outcome:
    """Counts over one or more runs of pytest."""

    passed: int = 0
    skipped: int = 0
    problems: list = field(default_factory=list)

    def __add__(self, other):
        return Outcome(
            self.passed + other.passed,
            self.skipped + other.skipped,
            self.problems + other.problems,
        )

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.problems)} failed{skipped}"


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="setup/test",
        usage="%(prog)s [-h] [--long] [ADDON or PATH ...] [option of pytest ...]",
        description="Run all tests on fresh databases. With names of addons, paths or options of "
        "pytest (-k, -x ...), run what they select.",
    )
    parser.add_argument("--long", action="store_true", help="with the tests that take minutes")
    options, rest = parser.parse_known_args(arguments)
    named = addons.with_stand_ins()
    options.addons = [addons.folder_of(part) / "tests" for part in rest if part in named]
    rest = [part for part in rest if part not in named]
    options.paths = [(REPOSITORY / part).resolve() for part in rest if _is_test_path(part)]
    options.pytest = [part for part in rest if not _is_test_path(part)]
    return options


def _is_test_path(part):
    return not part.startswith("-") and (REPOSITORY / part.split("::")[0]).exists()


def main(arguments):
    options = parse(arguments)
    installation = install(development=True)
    ensure_browser()
    state = installation.state
    server = server_for_tests(state, installation.env)
    with state.lock("test", "testing"), using(state, server, state.tests):
        with step("Preparing the template of the test databases"):
            template = ensure_template(installation, server)
        outcome = Runs(installation, server, template, options).run()
    return _conclude(outcome, partial=bool(options.addons or options.paths or options.pytest))


class Runs:
    """Runs of pytest: the addons' tests inside Odoo, and those of the running product beside it."""

    def __init__(self, installation, server, template, options):
        self.installation = installation
        self.server = server
        self.template = template
        self.options = options

    def run(self):
        outcome = Outcome()
        selected = self._selected()
        for where in (None, *addons.PBMS):
            if selected.get(where):
                outcome += self._run_inside_odoo(selected[where], where)
        if selected.get("beside"):
            outcome += self._run_beside_odoo(selected["beside"])
        return outcome

    def _selected(self):
        """Paths, by where they run: "beside" Odoo; inside it, in a database without the stand-ins
        of a PBMS (None) or with those of the one named."""
        chosen = self.options.addons + self.options.paths
        if not chosen:
            folders = [addons.folder_of(name) / "tests" for name in addons.with_stand_ins()]
            chosen = [PROCESS_TESTS, *filter(Path.is_dir, folders)]
        selected = {}
        for path in chosen:
            selected.setdefault(_where(path), []).append(path)
        return selected

    def _run_inside_odoo(self, paths, pbms):
        """TransactionCase and HttpCase, each of which rolls back, in one database per core."""
        template, name = self.template, "spar_test"
        if pbms:
            name = f"spar_test_{pbms}"
            with step(f"Preparing the template with the stand-ins of {pbms}"):
                template = ensure_pbms_template(self.installation, self.server, self.template, pbms)
        database = fresh_copy(self.installation, self.server, template, name)
        configuration = write_configuration(
            database.folder, database.name, self.server, addons_path=database.addons_path
        )
        arguments = [
            f"--odoo-config={configuration}",
            f"--odoo-database={database.name}",
            "--odoo-http",
            "--odoo-log-level=warn",
        ]
        arguments += self._side_by_side(len(os.sched_getaffinity(0)), "loadscope")
        try:
            return self._pytest(name, arguments, paths, **self.server.variables)
        finally:
            remove(database)

    def _run_beside_odoo(self, paths):
        """Tests of set-up, and tests that drive a real server with several worker processes."""
        variables = {} if self.server.is_ours else self.server.variables
        variables = {**variables, "SPAR_TEST_TEMPLATE": self.template.name}
        arguments = ["-p", "no:odoo", f"--ignore={STAND_INS}"]
        if len(paths) > 1 or paths[0].is_dir():
            # They wait more than they work. Their order is that of tests/conftest.py.
            arguments += self._side_by_side(len(os.sched_getaffinity(0)) + 1, "loadfile")
            arguments.append("--no-loadscope-reorder")
        return self._pytest("beside", arguments, paths, **variables)

    def _side_by_side(self, processes, parts):
        """Options of pytest for so many processes; none with options of the caller's, to whom
        `--pdb`, `-s` and the order matter.

        :param str parts: what stays together, see pytest-xdist
        """
        return [] if self.options.pytest else ["-n", str(processes), "--dist", parts]

    def _pytest(self, name, arguments, paths, **variables):
        report = State().tests / f"{name}.xml"
        report.unlink(missing_ok=True)
        tier = [] if self.options.long else ["-m", "not long"]
        command = [
            self.installation.env.python, "-m", "pytest", f"--junitxml={report}", "--tb=short",
            "-q", "--durations=10", "-p", "pytest_spar", *arguments, *tier, *self.options.pytest,
            *paths,
        ]  # fmt: skip
        environment = {
            **self.installation.env.environment(),
            **variables,
            "PYTHONPATH": str(INSIDE),
        }
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, check=False
        )
        return _outcome(done.returncode, report)


def _where(path):
    """See `Runs._selected`."""
    if path.is_relative_to(PROCESS_TESTS) and not path.is_relative_to(STAND_INS):
        return "beside"
    root = STAND_INS if path.is_relative_to(STAND_INS) else REPOSITORY
    return addons.pbms_of(path.relative_to(root).parts[0])


def _outcome(status, report):
    """Counts of one run; a run that broke off, and a skip without leave, count as failures."""
    if not report.exists():
        return Outcome(problems=[f"pytest ended with status {status} and no report"])
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.problems.append(name)
        elif skip is None:
            outcome.passed += 1
        elif _may_skip(skip.get("message", "")):
            outcome.skipped += 1
        else:
            outcome.problems.append(f"{name} was skipped: {skip.get('message')}")
    if status not in (0, 1, 5) or (status == 1 and not outcome.problems):
        outcome.problems.append(f"pytest ended with status {status}")
    return outcome


def _may_skip(reason):
    in_ci = os.environ.get("CI") == "true"
    allowed = SKIPS_IN_CI if in_ci else (*SKIPS_IN_CI, *ALLOWED_SKIPS)
    return any(re.search(pattern, reason) for pattern in allowed)


def _conclude(outcome, partial):
    """Print the summary; return the exit status."""
    floor = int(FLOOR.read_text(encoding="utf-8"))
    if not partial and outcome.passed + outcome.skipped < floor:
        outcome.problems.append(f"fewer tests than the recorded floor of {floor}")
    if not outcome.passed:
        outcome.problems.append("no test has passed")
    for problem in outcome.problems:
        say(f"FAILED {problem}")
    if not partial and outcome.passed > floor:
        say(f"{FLOOR.relative_to(REPOSITORY)} could be raised from {floor} to {outcome.passed}")
    print(f"\n{outcome}", flush=True)
    return 1 if outcome.problems else 0
