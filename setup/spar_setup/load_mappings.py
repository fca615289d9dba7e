# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/load-mappings: link the rows of a CSV file through the API of a running registry."""

import argparse
import getpass
import os
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from .console import SetupError, say
from .mapper_api import MapperApi, Unreadable
from .mapping_file import MappingFile, RejectedRows

BATCH = 1000
CONNECTIONS = 2
# Exit status when all was done but some rows were rejected.
SOME_REJECTED = 3
PROGRESS_SECONDS = 5
# With these codes a link says that the ID has an address, among other things.
MAYBE_LINKED = ("rjct.other.error", "rjct.reference_id.duplicate")
# Its text, in the strict and in the OpenG2P profiles, when that is so.
LINKED = ("The ID is linked already", "ID and FA are already mapped")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="setup/load-mappings",
        description="Link the rows of a CSV file (columns id_value, fa_value and, where they are "
        "there, name, phone, additional_info: as OpenG2P SPAR's table is exported) through the API "
        "of a running registry. Can be interrupted and run again: an ID that is linked to the same "
        "address already counts as done.",
        epilog="The client secret comes from SPAR_CLIENT_SECRET, or is asked for. Exit status: 0 "
        "all is linked, 3 some rows were rejected, 1 broke off. More: docs/integrator.md",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", required=True, help="of the registry")
    parser.add_argument("--sender-id", required=True, help="of the participant")
    parser.add_argument("--client-id", required=True, help="of the participant")
    parser.add_argument("--rejected", type=Path, help="file for rejected rows (FILE.rejected.csv)")
    parser.add_argument("--batch", type=int, default=BATCH, help=f"rows in a message ({BATCH})")
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help=f"at the same time ({CONNECTIONS})"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.batch <= 10_000 or not 1 <= options.connections <= 32:
        raise SetupError("--batch goes from 1 to 10000, --connections from 1 to 32.")
    options.rejected = options.rejected or Path(f"{options.file}.rejected.csv")
    if _are_one_file(options.rejected, options.file):
        raise SetupError(f"--rejected: {options.rejected} is the file to be read.", "Name another.")
    return options


def _are_one_file(one, other):
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def main(arguments):
    options = parse(arguments)
    secret = os.environ.get("SPAR_CLIENT_SECRET") or getpass.getpass("client secret: ")
    api = MapperApi(options.url, options.sender_id, options.client_id, secret)
    api.sign_in("link", "resolve")
    rows = MappingFile(options.file)
    rejected = RejectedRows(options.rejected, rows.columns)
    loader = Loader(api, rejected)
    try:
        loader.load(rows, options.batch, options.connections)
    except BaseException:
        say(f"broke off after: {loader}")
        raise
    finally:
        rows.close()
        rejected.close()
    print(f"{loader}{f', see {options.rejected}' if rejected.count else ''}")
    return SOME_REJECTED if rejected.count else 0


class Loader:
    """Sends rows in batches over some connections; holds a few batches in memory, no more.

    :param MapperApi api: signed in
    :param RejectedRows rejected: where rows go that are not linked
    """

    def __init__(self, api, rejected):
        self._api = api
        self._rejected = rejected
        self._counts = Counter()
        self._began = self._told = time.monotonic()

    def __str__(self):
        """Counts, for people."""
        rows = self._counts.total()
        rate = rows / max(time.monotonic() - self._began, 0.001)
        return (
            f"{rows} rows: {self._counts['linked']} linked, {self._counts['present']} linked "
            f"before, {self._counts['rejected']} rejected; {rate:.0f} rows/s"
        )

    def load(self, rows, batch_size, connections):
        rows = iter(rows)
        pending = deque()
        pool = ThreadPoolExecutor(connections)
        try:
            while batch := list(islice(rows, batch_size)):
                pending.append(pool.submit(self._link, batch))
                if len(pending) > connections:
                    self._take(pending.popleft().result())
            while pending:
                self._take(pending.popleft().result())
        finally:
            self._api.stop()
            pool.shutdown(cancel_futures=True)

    def _take(self, outcomes):
        """Count what became of a batch, and put rejected rows on record."""
        for row, outcome, reason in outcomes:
            self._counts[outcome] += 1
            if outcome == "rejected":
                self._rejected.add(row, reason)
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            say(str(self))

    def _link(self, batch):
        """(row, outcome, reason) of each row: linked, present or rejected."""
        outcomes = [(row, "rejected", row.problem) for row in batch if row.problem]
        return outcomes + self._link_sound([row for row in batch if not row.problem])

    def _link_sound(self, sound):
        if not sound:
            return []
        try:
            answers = self._api.call("link", [row.item for row in sound])
        except Unreadable as error:
            if len(sound) == 1:
                return [(sound[0], "rejected", str(error))]
            half = len(sound) // 2
            return self._link_sound(sound[:half]) + self._link_sound(sound[half:])
        outcomes, doubtful = [], []
        for row, answer in zip(sound, answers, strict=True):
            if answer["status"] == "succ":
                outcomes.append((row, "linked", None))
            elif answer.get("status_reason_code") in MAYBE_LINKED:
                doubtful.append((row, _text(answer)))
            else:
                outcomes.append((row, "rejected", _text(answer)))
        return outcomes + self._verify(doubtful)

    def _verify(self, doubtful):
        """Ask whether these IDs are linked to these very addresses; neither is disclosed."""
        if not doubtful:
            return []
        pairs = [{"id": row.item["id"], "fa": row.item["fa"]} for row, _text in doubtful]
        answers = self._api.call("resolve", pairs)
        return [
            (row, *_verified(answer, text))
            for (row, text), answer in zip(doubtful, answers, strict=True)
        ]


def _verified(answer, link_text):
    code = answer.get("status_reason_code")
    if code == "succ.id.active":
        return "present", None
    if code == "succ.id.inactive":
        return "rejected", "id: is linked already, and suspended"
    if any(text in link_text for text in LINKED):
        return "rejected", "id: is linked already, to another address"
    return "rejected", link_text


def _text(answer):
    code = answer.get("status_reason_code", "")
    return " ".join(filter(None, (code, answer.get("status_reason_message"))))
