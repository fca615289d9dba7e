# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import re
import traceback
from pathlib import PurePath

from psycopg2 import Error as PsycopgError

MAX_CAUSES = 5

_API_PATH = re.compile(r"/+(?:[\w@-]+/+)?(?:spar|api/+mapper|api/+bene-portal)(?![\w-])")
_REQUEST_LINE = re.compile(r"(\S+ )(/\S*)( HTTP/[0-9.]+\S*)")


class QuietRequestLines(logging.Filter):
    """Cut the request lines of the API in the access log: clients put IDs into addresses.

    A path that exists keeps its name and loses its query; of anything else only the beginning
    stays. Werkzeug logs a request line and its status as arguments of one record.
    """

    def filter(self, record):
        if isinstance(record.args, tuple):
            unknown = "404" in map(str, record.args)
            record.args = tuple(
                _quiet(value, unknown) if isinstance(value, str) else value for value in record.args
            )
        return True


def _quiet(text: str, unknown: bool) -> str:
    api_path = _API_PATH.search(text)
    if not api_path:
        return text
    line = _REQUEST_LINE.search(text)
    if unknown or not line:
        return f"{text[: api_path.end()]}/..."
    return f"{line[1]}{line[2].partition('?')[0]}{line[3]}"


# In force as soon as the addon is loaded, for whichever server Odoo runs.
logging.getLogger("werkzeug").addFilter(QuietRequestLines())


def describe(exception: BaseException) -> str:
    """What a log may say of an unexpected exception: classes and places, never its text.

    The text of an exception, and the values in its frames, may hold an ID or a financial
    address. Told are, for it and for those before it, the class, the database's error code and
    constraint, and the file, line and function of every frame.
    """
    return "; after ".join(map(_describe_one, _chain(exception)))


def _chain(exception: BaseException) -> list[BaseException]:
    chain = [exception]
    while len(chain) <= MAX_CAUSES:
        cause = chain[-1].__cause__ or chain[-1].__context__
        if cause is None or cause in chain:
            break
        chain.append(cause)
    return chain


def _describe_one(exception: BaseException) -> str:
    name = f"{type(exception).__module__}.{type(exception).__qualname__}"
    frames = traceback.extract_tb(exception.__traceback__)
    places = " > ".join(map(_place, frames)) or "an unknown place"
    return f"{name}{_database_details(exception)} at {places}"


def _database_details(exception: BaseException) -> str:
    if not isinstance(exception, PsycopgError):
        return ""
    details = filter(None, (exception.pgcode, exception.diag.constraint_name))
    return f" ({', '.join(details)})" if exception.pgcode else ""


def _place(frame: traceback.FrameSummary) -> str:
    # An addon's or package's own directory says enough.
    return f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
