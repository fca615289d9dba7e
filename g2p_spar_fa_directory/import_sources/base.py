# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What every source of providers and branches yields.

``None`` in a row means that the source does not know. What is on record then stays; a new
provider or branch without a name gets its code as name.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

# The real packages have members of 1 to 2 MB. Parsed JSON takes up to 20 times its size.
JSON_MAX_BYTES = 16 * 2**20


class SourceError(Exception):
    """The file cannot be used at all; the text, in English, says why."""


class ProviderRow(NamedTuple):
    """A provider. ``place`` tells people where in the file it is: "row 7".

    ``country`` is an ISO 3166-1 alpha-2 code, None the country chosen for the import;
    ``fa_type`` as in the model, a new provider without one is a bank; ``strategy`` and
    ``account_rule`` are codes (the numbers on screen) as text.
    """

    place: str
    code: str
    name: str | None = None
    country: str | None = None
    fa_type: str | None = None
    mnemonic: str | None = None
    bic: str | None = None
    strategy: str | None = None
    account_rule: str | None = None


class BranchRow(NamedTuple):
    """A branch of the bank ``provider_code`` of ``country``. ``state`` is a code or a name."""

    place: str
    provider_code: str
    code: str
    name: str | None = None
    country: str | None = None
    mnemonic: str | None = None
    street: str | None = None
    city: str | None = None
    zip: str | None = None
    state: str | None = None


class BadRow(NamedTuple):
    """A row that the reader itself cannot make sense of; ``reason`` is "<field>: <reason>".

    With the codes as far as they are known; a ``provider_code`` makes it a branch.
    """

    place: str
    reason: str
    code: str = ""
    provider_code: str | None = None
    country: str | None = None


class Source:
    """A strategy for reading one kind of file.

    :cvar str list_name: name of the list that its records belong to, unless the user gives one
    :cvar int | None strategy: code of the strategy that new banks get
    :cvar str | None account_rule: record of the rule that new banks get (name in our data)
    """

    list_name: str
    strategy: int | None = None
    account_rule: str | None = None

    def rows(
        self, content: bytes, countries: frozenset[str]
    ) -> Iterator[ProviderRow | BranchRow | BadRow]:
        """Yield the rows of a file in its order.

        :param content: the uploaded file
        :param countries: countries to read, for sources that let the user choose
        :raise SourceError: not such a file, too large, or without the countries
        """
        raise NotImplementedError

    def scope(self, countries: frozenset[str]) -> frozenset[str] | None:
        """Countries that the file speaks for: of these, records that are not in it have gone.

        None: the file is the whole list.
        """
        return None


def parse_json(content: bytes, member: str):
    """Parse a JSON member of a package.

    :raise SourceError: not JSON, nested too deeply, too large
    """
    if len(content) > JSON_MAX_BYTES:
        raise SourceError(f"{member} is larger than {JSON_MAX_BYTES // 2**20} MB.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{member} is not JSON.") from error
