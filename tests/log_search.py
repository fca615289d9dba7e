# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The logs of a running server, searched for what must not be in them."""

import re

from mapper_client import CREDENTIALS, DIGITS, MARK

# In a line of PostgreSQL's log, see `log_line_prefix`: database, and process of Odoo.
SESSION = re.compile(r"\] [^ @]+@([^ ]+) (?:odoo-(\d+) )?")


class Logs:
    """All that a server and its database write to files: Odoo's log, its output, PostgreSQL's log.

    :param server: `RunningServer`
    """

    def __init__(self, server):
        files = [server.log_path, server.log_path.with_name("odoo.out"), server.postgres_log_path]
        self._files = [path for path in files if path and path.exists()]
        self._start = {path: path.stat().st_size for path in self._files}
        self._server = server

    def text(self, whole=False):
        """What was written since this object was made, or all of it, that of other databases on the
        same PostgreSQL included."""
        parts = []
        for path in self._files:
            with path.open("rb") as handle:
                handle.seek(0 if whole else self._start[path])
                text = handle.read().decode(errors="replace")
            if path == self._server.postgres_log_path and not whole:
                text = "\n".join(filter(self._is_ours, text.splitlines()))
            parts.append(text)
        return "\n".join(parts)

    def _is_ours(self, line):
        """Whether a line of PostgreSQL's log is of the server's database, or of none."""
        session = SESSION.search(line)
        return not session or session[1] == self._server.database

    def lines_with(self, *words, whole=False):
        """Lines that hold one of the words, in whatever case."""
        lines = self.text(whole).lower().splitlines()
        return [line for line in lines if any(word.lower() in line for word in words)]

    def check_no_contention(self):
        """Nobody was the victim of a deadlock, nor slept to try again.

        PostgreSQL's errors of workers that run jobs do not count: Odoo leaves a job that another
        one has just done by getting one (`_acquire_one_job` of ``ir.cron``).
        """
        lines = self.lines_with("deadlock", "tries left", "could not serialize")
        crons = self._server.announced_pids("Cron")
        lines = [line for line in lines if _process_of(line) not in crons]
        assert not lines, lines

    def check_clean(self):
        """No ID, address, number, name or credential of this run was ever logged."""
        assert not self.lines_with(MARK, DIGITS, *CREDENTIALS, whole=True)

    def check_files(self):
        """Nor is it in whatever else the server keeps in its folder: sessions, spool."""
        words = [word.lower().encode() for word in (MARK, DIGITS)]
        for path in self._server.log_path.parent.rglob("*"):
            if path.is_file():
                # A purpose repeats the transaction_id that the client itself has chosen.
                content = re.sub(rb'"purpose":"(?:\\.|[^"\\])*"', b"", path.read_bytes())
                assert not any(word in content.lower() for word in words), path


def _process_of(line):
    """Id of Odoo's process that a line of PostgreSQL's log is about; None for any other line."""
    session = SESSION.search(line)
    return int(session[2]) if session and session[2] else None
