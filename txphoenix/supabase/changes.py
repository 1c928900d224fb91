"""``postgres_changes``: what is asked of the database, and what it tells.

A channel asks with its join, by one :class:`Binding` for each filter; the server
answers with an id for each, in the same order, and names these with each change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from txphoenix.errors import ConfigurationError
from txphoenix.interfaces import Remover
from txphoenix.runtime.hooks import added_hook, call_hooks

from .values import converted_row

__all__ = [
    "POSTGRES_CHANGES",
    "Binding",
    "Bindings",
    "PostgresChange",
    "checked_binding",
]

POSTGRES_CHANGES = "postgres_changes"
"""The event of changes."""

_EVENTS = ("*", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class PostgresChange:
    """A change of one row.

    :ivar schema: the schema of the table.
    :ivar table: the table.
    :ivar type: ``"INSERT"``, ``"UPDATE"`` or ``"DELETE"``.
    :ivar commit_timestamp: when it was committed, as the server writes it.
    :ivar new: the row as it is now; ``{}`` after a delete.
    :ivar old: what the database tells of the row before, which is its key alone unless
        the table's replica identity is full; ``{}`` for an insert.
    :ivar errors: why there is less to see than there might be.
    """

    schema: str
    table: str
    type: str
    commit_timestamp: str
    new: dict[str, Any]
    old: dict[str, Any]
    errors: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Any) -> PostgresChange:
        """Read a change.

        :param data: the ``data`` of the message.
        :raises ValueError: it is none; the text says what was expected.
        """
        if not isinstance(data, dict):
            raise ValueError("expected an object as data")
        texts = {
            name: data.get(name)
            for name in ("schema", "table", "type", "commit_timestamp")
        }
        for name, text in texts.items():
            if not isinstance(text, str):
                raise ValueError(f"expected text as {name}")
        columns = data.get("columns")
        if not isinstance(columns, list) or not all(
            isinstance(it, dict) and isinstance(it.get("name"), str) for it in columns
        ):
            columns = []
        rows = []
        for name in ("record", "old_record"):
            row = data.get(name)
            if row is not None and not isinstance(row, dict):
                raise ValueError(f"expected an object as {name}")
            rows.append(converted_row(columns, row))
        errors = data.get("errors")
        told = tuple(map(str, errors)) if isinstance(errors, list) else ()
        return cls(**texts, new=rows[0], old=rows[1], errors=told)  # type: ignore[arg-type]


@dataclass(eq=False)
class Binding:
    """One filter of a channel, and who is told of what it lets through.

    :ivar event: ``"*"``, ``"INSERT"``, ``"UPDATE"`` or ``"DELETE"``.
    :ivar schema: the schema; ``"*"`` for all.
    :ivar table: the table; None for all of the schema.
    :ivar filter: such as ``"id=gt.100"``.
    :ivar select: the columns that are told; None for all.
    :ivar id: what the server calls it, once joined.
    :ivar functions: who is told.
    :ivar receivers: how often :meth:`txphoenix.Channel.receive` was asked for.
    """

    event: str
    schema: str
    table: str | None = None
    filter: str | None = None
    select: tuple[str, ...] | None = None
    id: object = None
    functions: tuple[tuple[Callable[..., Any]], ...] = ()
    receivers: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody is told of what it lets through."""
        return not self.functions and not self.receivers

    def add(self, function: Callable[[PostgresChange], Any] | None) -> Remover:
        """Add who is told; None is :meth:`txphoenix.Channel.receive`."""
        if function is not None:
            return added_hook(self, "functions", function)
        self.receivers += 1
        is_there = True

        def remove() -> None:
            nonlocal is_there
            self.receivers -= is_there
            is_there = False

        return remove

    def asked(self) -> dict[str, Any]:
        """What the join says of it."""
        made: dict[str, Any] = {"event": self.event, "schema": self.schema}
        for name in ("table", "filter"):
            if getattr(self, name) is not None:
                made[name] = getattr(self, name)
        if self.select is not None:
            made["select"] = list(self.select)
        return made

    def is_answered_by(self, told: Any) -> bool:
        """Whether what the server says of a filter is said of this one."""
        return (
            isinstance(told, dict)
            and told.get("id") is not None
            and all(
                told.get(name) == getattr(self, name)
                for name in ("event", "schema", "table", "filter")
            )
        )

    def takes(self, ids: Sequence[object], type: str) -> bool:
        """Whether a change that the server names these ids for is for it."""
        return self.id in ids and self.event in ("*", type.upper())


@dataclass
class Bindings:
    """The filters of one channel, in the order in which the join has them."""

    all: list[Binding] = field(default_factory=list)

    def find(self, wanted: Binding) -> Binding | None:
        """The one that is the same filter: the server makes one of the two."""
        return next((it for it in self.all if it.asked() == wanted.asked()), None)

    def add(
        self,
        wanted: Binding,
        function: Callable[[PostgresChange], Any] | None,
        is_changeable: Callable[[], bool],
    ) -> Remover:
        """Add who is told, and the filter if it is not there.

        :param function: is told; None for :meth:`txphoenix.Channel.receive`.
        :param is_changeable: whether filters can be added and removed just now.
        :return: a function that removes it.
        :raises ConfigurationError: the filter cannot be added now.
        """
        binding = self.find(wanted)
        if binding is None:
            if not is_changeable():
                raise ConfigurationError(
                    "filters for postgres_changes are asked for with the join: "
                    "call on_postgres_changes() before subscribe()"
                )
            binding = wanted
            self.all.append(binding)
        remove_one = binding.add(function)

        def remove() -> None:
            remove_one()
            if binding.is_idle and binding in self.all and is_changeable():
                self.all.remove(binding)

        return remove

    def drop_idle(self) -> None:
        """Ask no more for what nobody is told of: before a join."""
        self.all = [binding for binding in self.all if not binding.is_idle]

    def tell(self, topic: str, payload: Any) -> PostgresChange | None:
        """Tell of a change.

        :param topic: whose it is, for the log.
        :param payload: the message's.
        :return: the change, if it is for :meth:`txphoenix.Channel.receive` as well.
        :raises ValueError: it is none; the text says what was expected.
        """
        ids = payload.get("ids") if isinstance(payload, dict) else None
        if not isinstance(ids, list):
            raise ValueError("expected an object with ids")
        change = PostgresChange.read(payload.get("data"))
        if not any(binding.id in ids for binding in self.all):
            raise ValueError("its ids are those of none of the filters")
        told = [binding for binding in self.all if binding.takes(ids, change.type)]
        for binding in told:
            call_hooks(binding.functions, change, called=(POSTGRES_CHANGES, topic))
        return change if any(binding.receivers for binding in told) else None

    def answered(self, response: Any) -> str | None:
        """Take the ids that the reply to the join has.

        :return: what is wrong with it; None if nothing is.
        """
        for binding in self.all:
            binding.id = None
        if not self.all:
            return None
        told = response.get(POSTGRES_CHANGES) if isinstance(response, dict) else None
        if not isinstance(told, list):
            return "the server's reply has no ids of the filters for postgres_changes"
        if len(told) != len(self.all):
            return (
                f"the server's reply has {len(told)} filters for postgres_changes, not "
                f"the {len(self.all)} that were asked for"
            )
        for number, (binding, each) in enumerate(zip(self.all, told, strict=True), 1):
            if not binding.is_answered_by(each):
                return (
                    f"what the server's reply says of filter {number} for "
                    "postgres_changes is not what was asked for, or has no id"
                )
            binding.id = each["id"]
        return None


def checked_binding(
    event: object, schema: object, table: object, filter: object, select: object
) -> Binding:
    """A filter of what a user has given.

    :raises ConfigurationError: it is none.
    """
    name = event.upper() if isinstance(event, str) else event
    if name not in _EVENTS:
        raise ConfigurationError(
            f"the event of postgres_changes must be one of {', '.join(_EVENTS)}"
        )
    if not isinstance(schema, str) or not schema:
        raise ConfigurationError("the schema of postgres_changes must be a str")
    for which, value in (("table", table), ("filter", filter)):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"the {which} of postgres_changes must be a str or None, not a value "
                f"of type {type(value).__name__}"
            )
    columns: Any = select
    if columns is not None:
        if isinstance(columns, str) or not all(isinstance(it, str) for it in columns):
            raise ConfigurationError("select must be a sequence of names of columns")
        columns = tuple(columns)
    return Binding(str(name), schema, table, filter, columns)  # type: ignore[arg-type]
