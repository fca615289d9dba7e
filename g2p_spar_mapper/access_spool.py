# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A file per host to which API workers append what they disclosed, without a database write.

One line of JSON per message, appended with one ``write()``: what a worker has appended survives its
death. Writers hold a shared lock while they append; the loader renames the file and waits for an
exclusive lock, so that it never reads a half-written line and no line ends up in a file that was
read already. The page cache is not flushed: a crash of the whole machine may lose the last seconds.
"""

import contextlib
import fcntl
import os
import socket
import uuid
from itertools import islice
from pathlib import Path

import orjson

SUFFIX = ".ndjson"
LOADING = ".loading"


class AccessSpool:
    """The spool of one database.

    :param Path directory: created with mode 0700 when absent; may be shared between hosts.
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        self.path = self.directory / f"{socket.gethostname()}{SUFFIX}"

    def append(self, record):
        """Append one record (a dict of JSON values).

        :raise OSError: the record could not be kept, so nothing may be disclosed.
        """
        # the newline in front ends what a full disk may have cut short before
        line = b"\n" + orjson.dumps(record) + b"\n"
        while True:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                # between open and lock, a loader may have taken the file away
                if os.fstat(descriptor).st_nlink and self._is_current(descriptor):
                    if os.write(descriptor, line) != len(line):
                        raise OSError("short write to the access spool")
                    return
            finally:
                os.close(descriptor)

    def _open(self):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            return os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self.path, flags, 0o600)

    def _is_current(self, descriptor):
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def take(self):
        """Set the files apart that hold records, all hosts' and those of a loader that died.

        :return: their paths, each of which is to be read with ``records`` and then removed.
        :rtype: list[Path]
        """
        for path in self.directory.glob(f"*{SUFFIX}"):
            path.rename(path.with_name(f"{uuid.uuid4()}{LOADING}"))
        return sorted(self.directory.glob(f"*{LOADING}"))

    def records(self, path):
        """Yield the records of a file that was set apart, once its last writer is done."""
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for line in file:
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue  # blank, or cut short by a full disk and never disclosed
                yield record

    def backlog(self):
        """What waits to be loaded, of all hosts.

        :return: bytes, and when the oldest record was made (``happened_at`` as appended; None when
            nothing waits).
        :rtype: tuple[int, str | None]
        """
        size, oldest = 0, []
        for path in self.directory.glob("*"):
            if path.suffix in (SUFFIX, LOADING):
                with contextlib.suppress(FileNotFoundError):  # loaded meanwhile
                    size += path.stat().st_size
                    oldest += [first["happened_at"] for first in islice(self._glance(path), 1)]
        return size, min(oldest, default=None)

    def _glance(self, path):
        """The records of a file that is perhaps still appended to."""
        with open(path, "rb") as file:
            for line in file:
                with contextlib.suppress(orjson.JSONDecodeError):
                    yield orjson.loads(line)
