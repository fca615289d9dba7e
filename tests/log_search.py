# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The logs of a running server, searched for what must not be in them."""

from mapper_client import CREDENTIALS, DIGITS, MARK


class Logs:
    """All that a server and its database write to files: Odoo's log, its output, PostgreSQL's log.

    :param server: `RunningServer`
    """

    def __init__(self, server):
        files = [server.log_path, server.log_path.with_name("odoo.out"), server.postgres_log_path]
        self._files = [path for path in files if path and path.exists()]
        self._start = {path: path.stat().st_size for path in self._files}

    def text(self, whole=False):
        """What was written since this object was made, or all of it."""
        parts = []
        for path in self._files:
            with path.open("rb") as handle:
                handle.seek(0 if whole else self._start[path])
                parts.append(handle.read().decode(errors="replace"))
        return "\n".join(parts)

    def lines_with(self, *words, whole=False):
        """Lines that hold one of the words, in whatever case."""
        lines = self.text(whole).lower().splitlines()
        return [line for line in lines if any(word.lower() in line for word in words)]

    def check_no_contention(self):
        """Nobody was the victim of a deadlock, nor slept to try again."""
        assert not self.lines_with("deadlock", "tries left", "could not serialize")

    def check_clean(self):
        """No ID, address, number, name or credential of this run was ever logged."""
        assert not self.lines_with(MARK, DIGITS, *CREDENTIALS, whole=True)
