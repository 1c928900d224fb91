"""A project's Realtime, whether over TCP or in memory: its rules and its controls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from txphoenix.testing import Endpoint, Refused, Socket
from txphoenix.testing.presence import PresenceTracker

from .broadcast_api import BroadcastAPI
from .channel import RealtimeServerChannel, Seat
from .codecs import UserBroadcast
from .rates import Rate
from .settings import Settings
from .tokens import TokenFault, make_token, verified

__all__ = ["PATH", "Project"]

PATH = "/realtime/v1"
"""Where a project's Realtime is."""

_TEN_YEARS = 10 * 365 * 86_400
_ID = "user_socket:project"

BindingsReply = list[dict[str, Any]]


class Project(Endpoint):
    """What a Supabase project's Realtime does, and what a test has it do.

    :ivar settings: what it is set to.
    :ivar anon_key: its legacy key: a token of the role ``anon``.
    :ivar alter_bindings: set it to a function, and the reply to each join has what it
        makes of the bindings with their ids; ``None`` leaves them out.
    :ivar database_fault: set it to a text, and no channel can subscribe to the
        database: it is told so, and tries again.
    :ivar send_status: set it to an HTTP status, and each sending by HTTP is answered
        with that.
    :ivar presences: who is present.
    """

    settings: Settings
    anon_key: str
    alter_bindings: Callable[[BindingsReply], BindingsReply | None]
    database_fault: str | None
    send_status: int | None
    presences: PresenceTracker

    def _begin(self, settings: Settings) -> None:
        self.settings = settings
        self.anon_key = self.token("anon", _TEN_YEARS)
        self.alter_bindings = lambda bindings: bindings
        self.database_fault = None
        self.send_status = None
        self.presences = PresenceTracker(self._tell_presence)
        self.resource = BroadcastAPI(self)
        self._expired: set[str] = set()
        self._joins = Rate(settings.max_joins_per_second, 1.0, self.reactor)
        self._events = Rate(settings.max_events_per_second, 1.0, self.reactor)

    # Tokens.

    def token(
        self, role: str = "authenticated", expires_in: float = 3600.0, **claims: Any
    ) -> str:
        """A token that the server takes.

        :param expires_in: seconds from now; a token of less than none has expired.
        :param claims: what else it says.
        """
        now = self.reactor.seconds()
        claims = {"role": role, "exp": int(now + expires_in), "iat": int(now), **claims}
        return make_token(claims, self.settings.jwt_secret)

    def verified(self, token: str | None) -> dict[str, Any]:
        """The claims of a token.

        :raises TokenFault: the server does not take it.
        """
        now = self.reactor.seconds()
        if token in self._expired:
            raise TokenFault("InvalidJWTToken", "Token has expired 0 seconds ago")
        return verified(token, self.settings.jwt_secret, now)

    def as_token(self, key: str | None) -> str | None:
        """What the gateway makes of a key: the publishable one stands for a token."""
        return self.anon_key if key == self.settings.publishable_key else key

    def token_of(self, socket: Socket, params: Any) -> str:
        """The token that a join is by; without one of its own, the connection's."""
        given = params if isinstance(params, dict) else {}
        access_token, user_token = given.get("access_token"), given.get("user_token")
        own = str(socket.assigns["token"])
        if str(access_token or user_token).startswith("sb_"):
            return own
        for token in (user_token, access_token):
            if isinstance(token, str):
                return token
        return own

    def _connect(self, params: Mapping[str, Any], socket: Socket) -> str:
        key = socket.headers.get("x-api-key") or params.get("apikey")
        token = self.as_token(key if isinstance(key, str) else None)
        try:
            self.verified(token)
        except TokenFault as fault:
            raise Refused() from fault
        socket.assigns["token"] = token
        return _ID

    # What channels ask.

    def refusal_of_join(self, channel: RealtimeServerChannel) -> str | None:
        """Why a client may not join, if it is for the project's limits."""
        settings, session = self.settings, channel.session
        users = {it.session for it in self.channels()}
        if not channel.name:
            return "TopicNameRequired: You must provide a topic name"
        if settings.private_only and not channel.config.private:
            return "PrivateOnly: This project only allows private channels"
        if session not in users and len(users) >= settings.max_concurrent_users:
            return "ConnectionRateLimitReached: Too many connected users"
        if self._joins.exceeds():
            session.close(self.flavour.kick_code)
            return "ClientJoinRateLimitReached: Too many joins per second"
        if len(session.processes) >= settings.max_channels_per_client:
            return "ChannelRateLimitReached: Too many channels"
        return None

    def reply_to_join(self, bindings: BindingsReply) -> dict[str, Any]:
        """What the reply to a join says of its bindings."""
        altered = self.alter_bindings(bindings)
        return {} if altered is None else {"postgres_changes": altered}

    def is_too_large(self, payload: Any) -> bool:
        """Whether a payload has more bytes than the project allows."""
        if isinstance(payload, UserBroadcast):
            payload = payload.payload
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode("utf-8")
        return len(payload) > self.settings.max_payload_size

    def has_room_for(self, count: int) -> bool:
        """Whether so many broadcasts more are not too many."""
        return self._events.has_room_for(count)

    def dispatch(
        self, seats: str, payload: Any, sender: RealtimeServerChannel | None = None
    ) -> int:
        """Tell those who hear each other of a broadcast.

        :param seats: the topic of their seats.
        :param sender: a channel that is left out.
        :return: how many were told.
        """
        heard = [
            channel
            for channel in self._seated(seats)
            if channel is not sender and channel.hear(payload)
        ]
        if self._events.exceeds():
            for channel in heard:
                channel.shut_down("Too many messages per second")
        return len(heard)

    def _tell_presence(self, seats: str, event: str, diff: Any) -> None:
        for channel in self._seated(seats):
            channel.see(diff)

    def _seated(self, seats: str) -> list[RealtimeServerChannel]:
        return [it for it in self._joined(None) if it.seat.topic == seats]

    def _joined(self, topic: str | None) -> list[RealtimeServerChannel]:
        name = None if topic is None else _full(topic)
        return cast(list[RealtimeServerChannel], self.channels(name))

    # Controls.

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
        return sum(channel.tell_change(data, row) for channel in self._joined(None))

    def _columns(self, table: str, row: Mapping[str, Any]) -> list[dict[str, str]]:
        types = (self.settings.tables or {}).get(table)
        if types is None:
            types = {name: _guessed_type(value) for name, value in row.items()}
        return [{"name": name, "type": type} for name, type in types.items()]

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
        return self.dispatch(Seat.topic_of(_full(topic), private), broadcast)

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
            self._expired.add(channel.token)
        for channel in channels:
            channel.shut_down("Token has expired 0 seconds ago")
        return len(channels)


def _full(topic: str) -> str:
    return topic if topic.startswith("realtime:") else f"realtime:{topic}"


def _guessed_type(value: Any) -> str:
    guesses = ((bool, "bool"), (int, "int8"), (float, "float8"), (str, "text"))
    return next((name for kind, name in guesses if isinstance(value, kind)), "jsonb")
