# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Entry of the commands in this folder: `main.py start|stop|test|translations|lint ARGUMENTS`."""

import importlib
import sys

from spar_setup.console import end


def main(command, *arguments):
    return importlib.import_module(f"spar_setup.{command}").main(list(arguments))


if __name__ == "__main__":
    end(main, *sys.argv[1:])
