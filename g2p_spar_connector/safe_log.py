# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import traceback
from pathlib import PurePath

from psycopg2 import Error as PsycopgError


def describe(exception: BaseException) -> str:
    """What a log may say of an unexpected exception: classes and places, never its text.

    The text of an exception, and the values in its frames, may hold an ID or a financial
    address. Told are the class, for the database its error code and the constraint, the file,
    line and function of every frame, and the classes of the exceptions before it.
    """
    parts = [_name(exception), *_database_details(exception)]
    frames = traceback.extract_tb(exception.__traceback__)
    parts.append("at " + " > ".join(map(_place, frames)) if frames else "at an unknown place")
    causes = list(map(_name, _causes(exception)))
    if causes:
        parts.append("after " + ", ".join(causes))
    return " ".join(parts)


def _name(exception: BaseException) -> str:
    return f"{type(exception).__module__}.{type(exception).__qualname__}"


def _database_details(exception: BaseException) -> list[str]:
    if not isinstance(exception, PsycopgError):
        return []
    details = (exception.pgcode, exception.diag.constraint_name)
    return [f"({', '.join(filter(None, details))})"] if any(details) else []


def _place(frame: traceback.FrameSummary) -> str:
    # An addon's or package's own directory says enough.
    return f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"


def _causes(exception: BaseException) -> list[BaseException]:
    causes, cause = [], exception
    while cause := cause.__cause__ or cause.__context__:
        causes.append(cause)
        if len(causes) == 5:
            break
    return causes
