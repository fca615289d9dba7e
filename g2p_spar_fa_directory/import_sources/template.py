# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Our own template: providers and branches in one CSV or XLSX file.

The first row has the names of the columns, in any order; ``provider_code`` is required. A row
without a branch code is a provider, a row with one is a branch of the bank ``provider_code``. An
empty cell says nothing: what is on record stays.
"""

import csv
import datetime
import io
import zipfile

import openpyxl

from .archive import UNPACKED_MAX_BYTES, zip_members
from .base import BadRow, BranchRow, ProviderRow, Source, SourceError

PROVIDER_COLUMNS = {
    "provider_name": "name",
    "provider_short_name": "mnemonic",
    "fa_type": "fa_type",
    "bic": "bic",
    "strategy": "strategy",
    "account_rule": "account_rule",
}
BRANCH_COLUMNS = {
    "branch_name": "name",
    "branch_short_name": "mnemonic",
    "street": "street",
    "city": "city",
    "zip": "zip",
    "state": "state",
}
COLUMNS = ("provider_code", "country", *PROVIDER_COLUMNS, "branch_code", *BRANCH_COLUMNS)
MAX_ROWS = 1_000_000


class TemplateSource(Source):
    list_name = "own-list"
    strategy = 101

    def rows(self, content, countries):
        read = _xlsx if zipfile.is_zipfile(io.BytesIO(content)) else _csv
        rows = read(content)
        columns = _columns(next(rows, ()))
        for number, cells in enumerate(rows, start=2):
            if number > MAX_ROWS + 1:
                raise SourceError(f"The file has more than {MAX_ROWS} rows.")
            values = {name: text for name, text in zip(columns, cells, strict=False) if text}
            if values:
                yield _row(f"row {number}", values)


def _columns(header):
    columns = [name.lower() for name in header]
    while columns and not columns[-1]:
        columns.pop()
    unknown = [name or "(empty)" for name in columns if name not in COLUMNS]
    if unknown or "provider_code" not in columns or len(set(columns)) < len(columns):
        raise SourceError(
            "The first row must have the names of the columns, each once, provider_code among "
            f"them: {', '.join(COLUMNS)}."
            + (f" Not known: {', '.join(unknown[:5])[:200]}." if unknown else "")
        )
    return columns


def _row(place, values):
    """Make a row of the cells that are not empty."""
    is_branch = "branch_code" in values
    code, country = values.get("provider_code", ""), values.get("country", "").upper() or None
    if stray := values.keys() & (PROVIDER_COLUMNS if is_branch else BRANCH_COLUMNS).keys():
        reason = f"{min(stray)}: belongs into a row of a {'provider' if is_branch else 'branch'}"
        if is_branch:
            return BadRow(place, reason, values["branch_code"], code, country)
        return BadRow(place, reason, code, country=country)
    if is_branch:
        details = {BRANCH_COLUMNS[k]: v for k, v in values.items() if k in BRANCH_COLUMNS}
        return BranchRow(place, code, values["branch_code"], country=country, **details)
    details = {PROVIDER_COLUMNS[k]: v for k, v in values.items() if k in PROVIDER_COLUMNS}
    return ProviderRow(place, code, country=country, **details)


def _csv(content):
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("The file is neither XLSX nor CSV in UTF-8.") from error
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            yield [cell.strip() for cell in cells]
    except csv.Error as error:
        raise SourceError(f"The file is not CSV: {error}.") from error


def _xlsx(content):
    _check_xlsx(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        # A file may claim any number of columns; we know ours.
        for cells in book.worksheets[0].iter_rows(values_only=True, max_col=len(COLUMNS)):
            yield [_text(cell) for cell in cells]
    except SourceError:
        raise
    except Exception as error:
        # openpyxl has no error of its own for files that are not quite XLSX.
        raise SourceError("The file is not XLSX that can be read.") from error


def _check_xlsx(content):
    """Unpack all of it once within the limit; no part needs to declare entities."""
    for name, member in zip_members(content, lambda name: True).items():
        if b"<!DOCTYPE" in member or b"<\x00!\x00" in member or b"\x00<\x00!" in member:
            raise SourceError(f"{name} has a DOCTYPE, which XLSX does not.")
    if len(content) > UNPACKED_MAX_BYTES:
        raise SourceError("The file is too large.")


def _text(cell):
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime.datetime):
        cell = cell.date()
    return str(cell).strip()
