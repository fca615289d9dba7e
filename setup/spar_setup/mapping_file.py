# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Mappings in CSV, as the table of OpenG2P SPAR is exported: read row by row; and the rows that
are rejected, with their reasons."""

import contextlib
import csv
import json
import os
from typing import NamedTuple

from .console import SetupError

REQUIRED = ("id_value", "fa_value")
OPTIONAL = ("name", "phone")
INFO = "additional_info"
# Columns of the file of rejected rows, before those of the file that was read.
REPORT = ("line", "reason")


class Row(NamedTuple):
    """One row of the file.

    :ivar int line: where it begins
    :ivar list fields: as they stand in the file
    :ivar dict item: what to send, or None
    :ivar str problem: why nothing can be sent
    """

    line: int
    fields: list
    item: dict | None = None
    problem: str | None = None


class MappingFile:
    """Rows of a CSV file in UTF-8 with a header, one at a time.

    A row that cannot be read is one `Row` with a problem, and costs no other row.
    """

    def __init__(self, path):
        self._path = path
        try:
            self._handle = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        except OSError as error:
            raise SetupError(f"{path}: {error.strerror}.") from None
        self._lines = _Lines(self._handle)
        self._reader = csv.reader(self._lines, strict=True)
        self.columns = self._read_header()

    def close(self):
        self._handle.close()

    def _read_header(self):
        try:
            columns = next(self._reader, [])
        except csv.Error:
            columns = []
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise SetupError(
                f"{self._path}: the first line names no column {' and no '.join(missing)}.",
                f"Columns: {', '.join([*REQUIRED, *OPTIONAL, INFO])}. See docs/integrator.md.",
            )
        return columns

    def __iter__(self):
        while True:
            self._lines.begin_row()
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                # An open quote may have taken in many good lines.
                yield Row(self._lines.first, [self._lines.give_back()], problem=f"CSV: {error}")
                continue
            if fields:
                yield self._row(fields)

    def _row(self, fields):
        row = Row(self._lines.first, fields)
        if len(fields) != len(self.columns):
            return row._replace(problem=f"has {len(fields)} columns instead of {len(self.columns)}")
        if any(not field.isascii() and _is_not_utf8(field) for field in fields):
            return row._replace(problem="is not in UTF-8")
        values = dict(zip(self.columns, fields, strict=True))
        item = {"id": values["id_value"], "fa": values["fa_value"]}
        for column, member in zip(OPTIONAL, ("name", "phone_number"), strict=True):
            if values.get(column):
                item[member] = values[column]
        if values.get(INFO):
            try:
                item[INFO] = json.loads(values[INFO])
            except (ValueError, RecursionError):
                return row._replace(problem=f"{INFO}: is not JSON")
        return row._replace(item=item)


class _Lines:
    """The lines of a file, which can be given back from the second line of a row on."""

    def __init__(self, handle):
        self._source = iter(handle)
        self._waiting = []
        self._taken = []
        self._number = 0

    def __iter__(self):
        return self

    def __next__(self):
        line = self._waiting.pop() if self._waiting else next(self._source)
        self._taken.append(line)
        self._number += 1
        return line

    @property
    def first(self):
        """Number of the first line of the present row."""
        return self._number - len(self._taken) + 1

    def begin_row(self):
        self._taken = []

    def give_back(self):
        """Return the first line of the present row; all others will come again."""
        first, *others = self._taken
        self._waiting += reversed(others)
        self._number -= len(others)
        self._taken = [first]
        return first.rstrip("\r\n")


def _is_not_utf8(text):
    return any("\udc80" <= character <= "\udcff" for character in text)


class RejectedRows:
    """The file of rejected rows. It holds IDs and addresses: only its owner can read it."""

    def __init__(self, path, columns):
        self.path = path
        self.count = 0
        try:
            _remove_former(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise SetupError(f"{path}: {error.strerror}.", "Name another: --rejected") from None
        self._handle = os.fdopen(
            descriptor, "w", encoding="utf-8", errors="surrogateescape", newline=""
        )
        self._writer = csv.writer(self._handle, lineterminator="\n")
        self._writer.writerow([*REPORT, *columns])

    def add(self, row, reason):
        self._writer.writerow([row.line, reason, *row.fields])
        self.count += 1

    def close(self):
        """Keep the file only when something is in it."""
        self._handle.close()
        if not self.count:
            self.path.unlink()


def _remove_former(path):
    """Remove the report of an earlier run; leave any other file alone."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("rb") as handle:
            if not handle.read(64).startswith(",".join(REPORT).encode() + b","):
                raise SetupError(f"{path} exists, and is no report.", "Name another: --rejected")
        path.unlink()
