# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Settings of the suite that must not lie in the database."""

import os
from configparser import Error, RawConfigParser
from functools import cache

from odoo.tools import config

SECTION = "g2p_spar"


def get_setting(option: str) -> str | None:
    """The environment variable `SPAR_<OPTION>`, else the option in the section `[g2p_spar]` of
    Odoo's configuration file, else None.

    A variable that is set stands even when empty or wrong: falling through to the file would
    hide the mistake. The file is read once per process.
    """
    value = os.environ.get(f"SPAR_{option.upper()}")
    return _section().get(option) if value is None else value


@cache
def _section() -> dict[str, str]:
    # Odoo itself keeps only the options of its own section.
    parser = RawConfigParser()
    try:
        parser.read(config["config"], encoding="utf-8")
    except Error:
        return {}
    return dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}


def forget_settings() -> None:
    """Read the file again at its next use."""
    _section.cache_clear()
