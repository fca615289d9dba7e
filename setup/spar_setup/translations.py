# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/translations: bring the files below the addons' i18n/ up to date with their texts."""

import argparse
import subprocess

from . import addons
from .console import SetupError, say, step
from .database import INSIDE
from .installation import install, using
from .odoo_config import write_configuration
from .postgres import server_for_tests
from .template import ensure_pbms_template, ensure_template


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="setup/translations",
        description="Write the template (.pot) of each addon whose texts people read, and bring "
        "its translations (.po) up to date: what is new in them has an empty msgstr. Write the "
        "translations there, in a text editor or with a tool such as Poedit.",
    )
    return parser.parse_args(arguments)


def main(arguments):
    parse(arguments)
    installation = install(development=True)
    state = installation.state
    server = server_for_tests(state, installation.env)
    # the templates of tests are what it reads
    with state.lock("test", "testing"), using(state, server, state.tests):
        with step("Preparing a database with all addons"):
            template = ensure_template(installation, server)
            pbms = addons.PBMS_WITH_WEBSITE
            database = ensure_pbms_template(installation, server, template, pbms)
        written = _write(database)
    say("\n".join(written) if written else "Everything is up to date")


def _write(database):
    """:return: names of the files that were written"""
    configuration = write_configuration(
        database.folder, database.name, database.server, addons_path=database.addons_path, workers=0
    )
    modules = [name for name in addons.manifests() if (addons.folder_of(name) / "i18n").is_dir()]
    done = subprocess.run(
        [database.env.python, INSIDE / "write_translations.py", configuration],
        input="\n".join([database.name, *modules]),
        env=database.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(f"Cannot write the translations:\n{done.stderr}")
    return done.stdout.split()
