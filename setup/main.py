# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Entry of the commands in this folder: `main.py start|stop|test|lint ARGUMENTS`."""

import importlib
import sys

from spar_setup.console import SetupError, report_error


def main():
    command, *arguments = sys.argv[1:]
    try:
        return importlib.import_module(f"spar_setup.{command}").main(arguments)
    except SetupError as error:
        report_error(error)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
