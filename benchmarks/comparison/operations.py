# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What is measured."""

from typing import NamedTuple

from spar_setup.console import SetupError


class Operation(NamedTuple):
    """One kind of request.

    :ivar str action: resolve, link, update or unlink
    :ivar int items: per request
    :ivar bool strict: the standard's own path and strictest profile, which the peer lacks
    """

    action: str
    items: int
    strict: bool = False

    @property
    def name(self):
        return f"{self.action}-{self.items}" + ("-strict" if self.strict else "")


# Link comes before unlink, which takes what link has linked.
OPERATIONS = {
    operation.name: operation
    for operation in (
        *(Operation("resolve", items) for items in (1, 100, 1000)),
        Operation("resolve", 1000, strict=True),
        *(Operation(action, items) for action in ("link", "update", "unlink")
          for items in (1, 1000)),
    )
}  # fmt: skip


def chosen(names):
    """The operations of these names, or whose action is named, in the order of `OPERATIONS`.

    :raises SetupError: for a name that is neither
    """
    actions = {operation.action for operation in OPERATIONS.values()}
    for name in names:
        if name not in OPERATIONS and name not in actions:
            raise SetupError(
                f"--operations: there is no {name}.", f"Choose from: {', '.join(OPERATIONS)}"
            )
    return [
        operation
        for operation in OPERATIONS.values()
        if not names or operation.name in names or operation.action in names
    ]
