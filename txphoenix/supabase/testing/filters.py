"""What a client subscribes to of a database: event, schema, table, filters, columns.

The rules are those of ``Extensions.PostgresCdcRls.Subscriptions`` and of the function
``realtime.is_visible_through_filters`` in supabase/realtime.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Filter", "Subscription", "SubscriptionFault"]

_EVENTS = ("INSERT", "UPDATE", "DELETE")


class SubscriptionFault(ValueError):
    """What a client wants of the database cannot be had; it says why."""


@dataclass(frozen=True)
class Filter:
    """One condition on a column, such as ``id=gt.5``.

    :ivar negated: whether it is preceded by ``not.``.
    """

    column: str
    operator: str
    value: str
    negated: bool

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read one condition.

        :raises SubscriptionFault: it is none.
        """
        column, equals, rest = text.strip().partition("=")
        negated = rest.startswith("not.")
        operator, dot, value = rest.removeprefix("not.").partition(".")
        if not equals:
            raise SubscriptionFault(f"Error parsing `filter` params: {_list(column)}")
        if not dot or operator not in _OPERATORS:
            parts = [operator, value] if dot else [operator]
            raise SubscriptionFault(f"Error parsing `filter` params: {_list(*parts)}")
        return cls(column, operator, value, negated)

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row fulfils the condition; as in SQL, null fulfils next to none."""
        value = row.get(self.column)
        if self.operator not in ("is", "isdistinct") and value is None:
            return False
        return _OPERATORS[self.operator](value, self.value) != self.negated


@dataclass(frozen=True)
class Subscription:
    """What one of the ``postgres_changes`` of a join asks for.

    :ivar event: ``INSERT``, ``UPDATE``, ``DELETE``, or ``*`` for all.
    :ivar schema: the schema, or ``*``.
    :ivar table: the table, or ``*``.
    :ivar filters: what a row has to fulfil, all of it.
    :ivar columns: the columns that are wanted; ``None`` for all.
    """

    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...] = ()
    columns: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, params: Mapping[str, Any]) -> Subscription:
        """Read one of the ``postgres_changes`` of a join.

        :raises SubscriptionFault: it cannot be subscribed to.
        """
        schema, table, text = (params.get(it) for it in ("schema", "table", "filter"))
        named = {it for it in ("schema", "table", "filter") if it in params}
        is_text = all(isinstance(params[it], str) for it in named)
        if not is_text or named not in _NAMED:
            raise SubscriptionFault(
                "No subscription params provided. Please provide at least a `schema` "
                f"or `table` to subscribe to: {dict(params)!r}"
            )
        event = str(params.get("event", "*")).upper()
        return cls(
            event if event in _EVENTS else "*",
            schema or "public",
            table or "*",
            tuple(Filter.parse(part) for part in _split(text or "")),
            _columns(params.get("select")),
        )

    def takes(
        self, event: str, schema: str, table: str, row: Mapping[str, Any]
    ) -> bool:
        """Whether a change is one of those subscribed to.

        A delete passes whatever the filters are (migration
        ``update_apply_rls_function_to_pass_through_delete_events_on_filter``).
        """
        wanted = zip(
            (self.event, self.schema, self.table), (event, schema, table), strict=True
        )
        if not all(want in ("*", have) for want, have in wanted):
            return False
        return event == "DELETE" or all(each.takes(row) for each in self.filters)


_NAMED = ({"schema", "table", "filter"}, {"schema", "table"}, {"schema"}, {"table"})


def _columns(select: Any) -> tuple[str, ...] | None:
    if isinstance(select, str):
        raise SubscriptionFault(
            "Error parsing `select` params: expected a list of column name strings, "
            'e.g. select: ["col1", "col2"]'
        )
    names = select if isinstance(select, list) else []
    return tuple(name for name in names if isinstance(name, str)) or None


def _split(text: str) -> list[str]:
    """The conditions of a filter; a comma within brackets or quotes divides none."""
    parts, depth, quoted, start = [], 0, False, 0
    for index, character in enumerate(text):
        if character == '"' and (quoted or text[index - 1 : index] in ".(,"):
            quoted = not quoted
        elif quoted:
            continue
        elif character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        elif character == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts if text.strip() else []


def _list(*parts: str) -> str:
    return "[" + ", ".join(f'"{part}"' for part in parts) + "]"


def _compare(compare: Callable[[Any, Any], bool]) -> Callable[[Any, str], bool]:
    def compared(value: Any, text: str) -> bool:
        if isinstance(value, bool):
            return compare(str(value).lower(), text.lower())
        if isinstance(value, (int, float)):
            try:
                return compare(value, float(text))
            except ValueError:
                return False
        return compare(str(value), text.strip('"'))

    return compared


def _like(flags: re.RegexFlag) -> Callable[[Any, str], bool]:
    def liked(value: Any, text: str) -> bool:
        wild = {"%": ".*", "_": "."}
        pattern = "".join(wild.get(it) or re.escape(it) for it in text)
        return re.fullmatch(pattern, str(value), flags | re.DOTALL) is not None

    return liked


def _matches(flags: re.RegexFlag) -> Callable[[Any, str], bool]:
    return lambda value, text: re.search(text, str(value), flags) is not None


def _is_one_of(value: Any, text: str) -> bool:
    equals = _compare(lambda left, right: left == right)
    return any(equals(value, part) for part in _split(text.strip("()")))


def _is(value: Any, text: str) -> bool:
    shown = "null" if value is None else str(value).lower()
    return (value is None or isinstance(value, bool)) and shown == text.lower()


_OPERATORS: Mapping[str, Callable[[Any, str], bool]] = {
    "eq": _compare(lambda left, right: left == right),
    "neq": _compare(lambda left, right: left != right),
    "lt": _compare(lambda left, right: left < right),
    "lte": _compare(lambda left, right: left <= right),
    "gt": _compare(lambda left, right: left > right),
    "gte": _compare(lambda left, right: left >= right),
    "in": _is_one_of,
    "like": _like(re.RegexFlag(0)),
    "ilike": _like(re.IGNORECASE),
    "is": _is,
    "match": _matches(re.RegexFlag(0)),
    "imatch": _matches(re.IGNORECASE),
    "isdistinct": lambda value, text: str(value) != text,
}
