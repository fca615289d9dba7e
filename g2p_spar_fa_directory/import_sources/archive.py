# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Read members of uploaded archives, in memory and within limits.

Nothing is ever written to disk, so names of members harm nobody: only members whose names are
asked for are read. Declared sizes are not believed; what comes out is counted.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable

from .base import SourceError

UNPACKED_MAX_BYTES = 64 * 2**20
MAX_MEMBERS = 10_000

_TOO_LARGE = f"The file unpacks to more than {UNPACKED_MAX_BYTES // 2**20} MB."
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    ValueError,
)


class _Budget:
    """Counts unpacked bytes; whoever reads asks for one more than are left at most."""

    def __init__(self):
        self.left = UNPACKED_MAX_BYTES

    def spend(self, data: bytes) -> bytes:
        self.left -= len(data)
        if self.left < 0:
            raise SourceError(_TOO_LARGE)
        return data


class _LimitedGzip(gzip.GzipFile):
    """An unpacked stream for tarfile, which also reads what it skips."""

    def __init__(self, content: bytes):
        super().__init__(fileobj=io.BytesIO(content))
        self._budget = _Budget()

    def read(self, size: int = -1) -> bytes:
        most = self._budget.left + 1
        return self._budget.spend(super().read(min(size, most) if size >= 0 else most))


def zip_members(content: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the wanted members of a ZIP archive (a wheel is one) by name.

    :raise SourceError: not a ZIP archive, damaged, encrypted, or over the limits
    """
    # ZipFile reads the whole directory at once; each of its entries begins like this.
    _check_count(content.count(b"PK\x01\x02"))
    budget, members = _Budget(), {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                if not info.is_dir() and wanted(info.filename):
                    _check_new(info.filename, members)
                    with archive.open(info) as stream:
                        members[info.filename] = budget.spend(stream.read(budget.left + 1))
    except _BROKEN as error:
        raise SourceError("The file is not a ZIP archive that can be read.") from error
    return members


def tar_members(content: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the wanted members of a gzipped TAR archive by name; links do not count.

    :raise SourceError: not such an archive, damaged, or over the limits
    """
    members = {}
    try:
        with tarfile.open(fileobj=_LimitedGzip(content), mode="r|") as archive:
            for count, info in enumerate(archive, start=1):
                _check_count(count)
                if info.isreg() and not info.issparse() and wanted(info.name):
                    _check_new(info.name, members)
                    members[info.name] = archive.extractfile(info).read()
    except _BROKEN as error:
        raise SourceError("The file is not a .tgz archive that can be read.") from error
    return members


def _check_count(count: int):
    if count > MAX_MEMBERS:
        raise SourceError(f"The file holds more than {MAX_MEMBERS} members.")


def _check_new(name: str, members: dict):
    if name in members:
        raise SourceError(f"The file holds {name} twice.")
