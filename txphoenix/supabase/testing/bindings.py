"""What one channel gets of the database: its bindings, their ids, and its changes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from .filters import Subscription, SubscriptionFault
from .settings import Tables

__all__ = ["Bindings"]

# As large as what the server makes with Erlang's phash2.
_ID_MASK = 2**27 - 1


class Bindings:
    """The ``postgres_changes`` of one channel.

    :param params: each of them, as the client has written it.
    """

    def __init__(self, params: Iterable[Mapping[str, Any]]) -> None:
        self.params = tuple(params)
        self._subscribed: list[tuple[int, Subscription]] = []

    def with_ids(self) -> list[dict[str, Any]]:
        """Each binding with its id, as the reply to the join has them.

        An id is a hash of what the client has written, so that the same binding has the
        same id in each channel and after each join.
        """
        return [{**params, "id": _id(params)} for params in self.params]

    def subscribe(self, tables: Tables | None) -> None:
        """Begin, or begin anew, to get changes.

        :param tables: those that are published; ``None`` for any.
        :raises SubscriptionFault: the database does not take one of the bindings; then
            none of them is taken.
        """
        self._subscribed = []
        parsed = [(_id(params), Subscription.parse(params)) for params in self.params]
        for _, subscription in parsed:
            if tables is not None and not _is_published(subscription, tables):
                raise SubscriptionFault(
                    "Unable to subscribe to changes with given parameters. Please "
                    "check Realtime is enabled for the given connect parameters: "
                    f"[{_shown(subscription)}]"
                )
        self._subscribed = parsed

    def payloads(
        self, data: Mapping[str, Any], row: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """What a client is sent of a change: one for all bindings with its columns.

        The ids come in the order that the server makes, the last binding first.
        """
        groups: dict[tuple[str, ...] | None, list[int]] = {}
        for id, subscription in self._subscribed:
            if subscription.takes(data["type"], data["schema"], data["table"], row):
                groups.setdefault(subscription.columns, []).insert(0, id)
        return [
            {"ids": ids, "data": _narrowed(data, columns)}
            for columns, ids in groups.items()
        ]


def _id(params: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(params, sort_keys=True).encode("utf-8")) & _ID_MASK


def _is_published(subscription: Subscription, tables: Tables) -> bool:
    for name in tables:
        schema, _, table = name.partition(".")
        if subscription.schema in ("*", schema) and subscription.table in ("*", table):
            return True
    return False


def _shown(subscription: Subscription) -> str:
    filters = ", ".join(
        f'{{"{it.column}", "{it.operator}", "{it.value}", {str(it.negated).lower()}}}'
        for it in subscription.filters
    )
    columns = "nil" if subscription.columns is None else list(subscription.columns)
    return (
        f"event: {subscription.event}, schema: {subscription.schema}, "
        f"table: {subscription.table}, filters: [{filters}], select: {columns}"
    )


def _narrowed(
    data: Mapping[str, Any], columns: tuple[str, ...] | None
) -> dict[str, Any]:
    narrowed = dict(data)
    if columns is None:
        return narrowed
    narrowed["columns"] = [it for it in data["columns"] if it["name"] in columns]
    for name in ("record", "old_record"):
        if name in data:
            record = data[name]
            narrowed[name] = {it: record[it] for it in record if it in columns}
    return narrowed
