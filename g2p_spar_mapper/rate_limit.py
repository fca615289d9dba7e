# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Token buckets that all processes of a host share through one small file, without a database.

A bucket is one number, the moment at which it will be full again, so that a full bucket holds
nothing and its slot is free for another key (the virtual scheduling of ITU-T I.371). Its level
may fall below zero: who is let in, which takes 1, is then charged in full, whatever that comes to,
and the next one waits until the debt is paid off and there is 1 again.

The file is a hash table of sets of slots. A set is locked while it is read and written; the lock
goes with the process that holds it, and a slot is written with one ``write()`` within a page, so
a process that is killed leaves neither a lock nor half a slot. Where more buckets than a set has
slots are in use, the one that is nearest to full gives way. Keys are kept as keyed digests.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import secrets
import socket
import struct
import threading
import time
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".limits"
SETS = 1024
SLOTS = 8
ROUNDING_SECONDS = 1e-6
ABANDONED_SECONDS = 7 * 24 * 3600
_MAGIC = b"SPARLIM1"
_HEADER = struct.Struct("=8sII16s16s")  # magic, sets, slots, boot, key of the digests
_SLOT = struct.Struct("=16sd8x")  # digest of the key, moment at which the bucket is full
_SET_BYTES = SLOTS * _SLOT.size
_TABLE_OFFSET = 4096  # whole sets are in one page
_FILE_BYTES = _TABLE_OFFSET + SETS * _SET_BYTES


class Limit(NamedTuple):
    """Size of a bucket.

    :param float rate: how much flows in per second, above zero.
    :param float burst: how much it holds, 1 or more.
    """

    rate: float
    burst: float


class RateTable:
    """The buckets of one file, full at first.

    The clock is the same for all processes of a machine and never set back; after the machine was
    started again the file is remade, as is one that is damaged or of another release.

    :param Path path: its directory is made when absent. Must be on a disk of this host.
    :param clock: seconds since a moment of this boot.
    """

    def __init__(self, path, clock=time.monotonic):
        self.path = Path(path)
        self._clock = clock
        self._file = None
        self._digest_key = b""
        self._threads = threading.Lock()  # file locks do not part the threads of a process

    def take(self, key, limit):
        """Take 1 out of the bucket, if there is as much.

        :param str key: whose bucket.
        :return: 0 when it was taken, else the seconds until there is 1.
        :rtype: float
        :raise OSError: the file can be neither used nor made.
        """
        with self._bucket(key) as bucket:
            now = self._clock()
            wait = bucket.full_at - now - (limit.burst - 1) / limit.rate
            if wait > ROUNDING_SECONDS:
                return wait
            bucket.full_at = max(bucket.full_at, now) + 1 / limit.rate
            return 0

    def wait(self, key, limit):
        """Seconds until there is 1 in the bucket, 0 when there is; nothing is taken.

        :raise OSError: like ``take``.
        """
        with self._bucket(key) as bucket:
            wait = bucket.full_at - self._clock() - (limit.burst - 1) / limit.rate
            return wait if wait > ROUNDING_SECONDS else 0

    def charge(self, key, limit, cost):
        """Charge the bucket, whatever its level.

        :raise OSError: like ``take``.
        """
        with self._bucket(key) as bucket:
            bucket.full_at = max(bucket.full_at, self._clock()) + cost / limit.rate

    @contextlib.contextmanager
    def _bucket(self, key):
        """The key's bucket, locked, and written back if it was charged."""
        with self._threads:
            file = self._open()
            digest = hashlib.blake2b(key.encode(), digest_size=16, key=self._digest_key).digest()
            offset = _TABLE_OFFSET + int.from_bytes(digest[:4]) % SETS * _SET_BYTES
            fcntl.lockf(file, fcntl.LOCK_EX, _SET_BYTES, offset)
            try:
                slots = list(_SLOT.iter_unpack(os.pread(file, _SET_BYTES, offset)))
                bucket = _Bucket(*_find(slots, digest))
                before = bucket.full_at
                yield bucket
                if bucket.full_at != before:
                    slot = _SLOT.pack(digest, bucket.full_at)
                    os.pwrite(file, slot, offset + bucket.position * _SLOT.size)
            finally:
                fcntl.lockf(file, fcntl.LOCK_UN, _SET_BYTES, offset)

    def _open(self):
        """Descriptor of the file; of a new one, where that was replaced, removed or cut short."""
        if self._file is None or not self._is_whole(self._file):
            self.close()
            try:
                self._adopt()
            except (FileNotFoundError, ValueError):
                self._remake()
        return self._file

    def _is_whole(self, file):
        status = os.fstat(file)
        return status.st_nlink and status.st_size == _FILE_BYTES

    def _remake(self):
        """Make the file, unless another process has done so first: what it has charged stands."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            try:
                self._adopt()
            except (FileNotFoundError, ValueError):
                self._remove_abandoned()
                self._make()
                self._adopt()
        finally:
            os.close(directory)

    def _adopt(self):
        """Use the file that is there.

        :raise ValueError: it is damaged, of another release, or older than this boot.
        """
        file = os.open(self.path, os.O_RDWR)
        header = os.pread(file, _HEADER.size, 0)
        if not self._is_whole(file) or not header.startswith(_description()):
            os.close(file)
            raise ValueError("not the file of this boot and release")
        self._file = file
        self._digest_key = _HEADER.unpack(header)[-1]

    def _make(self):
        """Put a new file in place; who still has the old one open notices."""
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        content = (_description() + secrets.token_bytes(16)).ljust(_FILE_BYTES, b"\0")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if os.write(file, content) != _FILE_BYTES:
                raise OSError("short write to the file of rate limits")
            os.replace(new, self.path)
        except OSError:
            os.unlink(new)
            raise
        finally:
            os.close(file)

    def _remove_abandoned(self):
        """Files of hosts that are no more, as every new container is one, and of processes that
        were killed while they made one."""
        for path in self.path.parent.glob(f"*{SUFFIX}*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()

    def close(self):
        if self._file is not None:
            os.close(self._file)
        self._file = None


class _Bucket:
    __slots__ = ("full_at", "position")

    def __init__(self, position, full_at):
        self.position = position
        self.full_at = full_at


def _find(slots, digest):
    """The key's place in its set and when it is full; else the place of the fullest bucket, and
    0: long ago."""
    for position, (owner, full_at) in enumerate(slots):
        if owner == digest:
            return position, full_at
    return min(range(len(slots)), key=lambda position: slots[position][1]), 0.0


@functools.cache
def _description():
    """What the header of a file of this release and boot begins with."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    boot_digest = hashlib.blake2b(boot.encode(), digest_size=16).digest()
    return _HEADER.pack(_MAGIC, SETS, SLOTS, boot_digest, b"")[:-16]


@functools.cache
def shared_table(directory, name):
    """This process's access to a table of this host.

    :param Path directory: of the host's database, where other hosts may have theirs.
    :param str name: tells the tables of a host apart.
    :rtype: RateTable
    """
    return RateTable(Path(directory, f"{socket.gethostname()}.{name}{SUFFIX}"))
