"""A project's Realtime, whether over TCP or in memory, and what a test has it do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from txphoenix.testing import Endpoint, Socket

from .broadcast_api import BroadcastAPI
from .channel import RealtimeServerChannel
from .codecs import UserBroadcast
from .settings import Settings
from .tenant import BindingsReply, Seat, Tenant

__all__ = ["PATH", "Project"]

PATH = "/realtime/v1"
"""Where a project's Realtime is."""

_ID = "user_socket:project"


class Project(Endpoint):
    """A server of a Supabase project's Realtime.

    :ivar tenant: what its channels share.
    """

    tenant: Tenant

    def _begin(self, settings: Settings) -> None:
        self.tenant = Tenant(settings, self.reactor)
        self.resource = BroadcastAPI(self.tenant, self.when_resumed)

    def _connect(self, params: Mapping[str, Any], socket: Socket) -> str:
        self.tenant.connect(params, socket)
        return _ID

    def _joined(self, topic: str | None = None) -> list[RealtimeServerChannel]:
        name = None if topic is None else _full(topic)
        return cast(list[RealtimeServerChannel], self.channels(name))

    @property
    def anon_key(self) -> str:
        """The project's legacy key: a token of the role ``anon``."""
        return self.tenant.anon_key

    @property
    def publishable_key(self) -> str:
        """The project's key, as clients are given it."""
        return self.tenant.settings.publishable_key

    def token(
        self, role: str = "authenticated", expires_in: float = 3600.0, **claims: Any
    ) -> str:
        """A token that the server takes.

        :param expires_in: seconds from now; a token of less than none has expired.
        :param claims: what else it says.
        """
        return self.tenant.token(role, expires_in, **claims)

    # The database.

    def fail_database(self, fault: str | None) -> None:
        """Let no channel subscribe to the database: it is told so, and tries again.

        :param fault: what the channels are told; ``None`` lets them again.
        """
        self.tenant.database_fault = fault

    def alter_bindings(
        self, alter: Callable[[BindingsReply], BindingsReply | None] | None
    ) -> None:
        """Change what the replies to joins say of the bindings.

        :param alter: takes the bindings with their ids, and returns what is said, or
            ``None`` to leave them out; ``None`` says again what is so.
        """
        self.tenant.alter_bindings = alter

    def insert(self, schema: str, table: str, row: Mapping[str, Any]) -> int:
        """A row is inserted into a table.

        :return: how many channels were told.
        """
        return self.change("INSERT", schema, table, record=row)

    def update(
        self,
        schema: str,
        table: str,
        row: Mapping[str, Any],
        old: Mapping[str, Any] | None = None,
    ) -> int:
        """A row is changed.

        :param row: the whole of it as it is now.
        :param old: what the database says of the row before: its key alone, or all of
            it where the table's replica identity is full.
        :return: how many channels were told.
        """
        return self.change("UPDATE", schema, table, record=row, old_record=old or {})

    def delete(self, schema: str, table: str, old: Mapping[str, Any]) -> int:
        """A row is deleted; all who listen to the table's deletes are told.

        :param old: what the database says of it: its key alone, or all of it.
        :return: how many channels were told.
        """
        return self.change("DELETE", schema, table, old_record=old)

    def change(
        self,
        type: str,
        schema: str,
        table: str,
        *,
        errors: list[str] | None = None,
        **records: Mapping[str, Any],
    ) -> int:
        """Something changes in a table, as it is told by ``realtime.apply_rls``.

        :param type: ``INSERT``, ``UPDATE`` or ``DELETE``.
        :param errors: why there is less to see, as in ``["Error 401: Unauthorized"]``.
        :param records: ``record`` and ``old_record``.
        :return: how many channels were told.
        """
        row = records.get("record", records.get("old_record", {}))
        now = datetime.fromtimestamp(self.reactor.seconds(), UTC)
        time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = {
            "schema": schema,
            "table": table,
            "type": type,
            "commit_timestamp": time,
            "columns": self._columns(f"{schema}.{table}", row),
            "errors": errors,
            **{name: dict(record) for name, record in records.items()},
        }
        return sum(channel.tell_change(data, row) for channel in self._joined())

    def _columns(self, table: str, row: Mapping[str, Any]) -> list[dict[str, str]]:
        types = (self.tenant.settings.tables or {}).get(table)
        if types is None:
            types = {name: _guessed_type(value) for name, value in row.items()}
        return [{"name": name, "type": type} for name, type in types.items()]

    # What is told to channels.

    def send_broadcast(
        self,
        topic: str,
        event: str,
        payload: Any,
        *,
        private: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> int:
        """Broadcast to all of a topic, as another client or the database does.

        :param topic: with or without ``realtime:``.
        :param payload: bytes, or any JSON value.
        :param metadata: what the server says of it, as in ``{"id": ...}``.
        :return: how many channels were told.
        """
        broadcast = UserBroadcast.of(event, payload, metadata)
        return self.tenant.dispatch(Seat.topic_of(_full(topic), private), broadcast)

    def refuse_sends(self, status: int | None) -> None:
        """Answer each sending by HTTP with that status; ``None`` takes them again."""
        self.tenant.send_status = status

    def system(
        self, topic: str, message: str, status: str = "ok", extension: str = "system"
    ) -> int:
        """Send a ``system`` message to all channels of a topic.

        :return: how many there were.
        """
        channels = self._joined(topic)
        for channel in channels:
            channel.push_system(status, message, extension)
        return len(channels)

    def shut_down(self, topic: str, message: str) -> int:
        """End all channels of a topic with a ``system`` error.

        :return: how many there were.
        """
        channels = self._joined(topic)
        for channel in channels:
            channel.shut_down(message)
        return len(channels)

    def expire(self, topic: str | None = None) -> int:
        """Have the tokens of joined channels expire at once.

        The channels are ended, and a join with one of the tokens is refused.

        :param topic: with or without ``realtime:``; all topics if not given.
        :return: how many channels there were.
        """
        channels = self._joined(topic)
        for channel in channels:
            self.tenant.expire(channel.token)
        for channel in channels:
            channel.shut_down("Token has expired 0 seconds ago")
        return len(channels)


def _full(topic: str) -> str:
    return topic if topic.startswith("realtime:") else f"realtime:{topic}"


def _guessed_type(value: Any) -> str:
    guesses = ((bool, "bool"), (int, "int8"), (float, "float8"), (str, "text"))
    return next((name for kind, name in guesses if isinstance(value, kind)), "jsonb")
