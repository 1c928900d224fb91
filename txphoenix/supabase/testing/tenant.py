"""What there is once of a project: its keys and limits, and who hears each other.

The server's own word for it is tenant (``Realtime.Tenants`` in supabase/realtime).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from txphoenix.testing import Refused, ServerSession, Socket
from txphoenix.testing.presence import PresenceTracker

from .codecs import UserBroadcast
from .rates import Rate
from .settings import Settings
from .tokens import TokenFault, make_token, verified

__all__ = ["BindingsReply", "Seat", "Subscriber", "Tenant"]

BindingsReply = list[dict[str, Any]]
"""The bindings with their ids, as the reply to a join has them."""

_TEN_YEARS = 10 * 365 * 86_400


class Seat:
    """A channel's place among those that hear each other.

    A private channel and a public one of the same topic are two.

    :ivar topic: what those that hear each other have in common.
    """

    def __init__(self, topic: str, private: bool) -> None:
        self.topic = self.topic_of(topic, private)

    @staticmethod
    def topic_of(topic: str, private: bool) -> str:
        """What the seats of a topic have in common."""
        return f"{'private' if private else 'public'} {topic}"


class Subscriber(Protocol):
    """A joined channel, as the tenant sees it."""

    seat: Seat
    session: ServerSession

    def hear(self, payload: Any) -> bool:
        """Tell the client of a broadcast; say whether it was told."""

    def see(self, diff: Mapping[str, Any]) -> None:
        """Tell the client who has come and gone."""

    def shut_down(self, message: str) -> None:
        """End the channel with a ``system`` error."""


class Tenant:
    """A project, as its channels see it.

    :ivar settings: what it is set to.
    :ivar reactor: the clock.
    :ivar anon_key: its legacy key: a token of the role ``anon``.
    :ivar alter_bindings: what becomes of the bindings in the reply to a join.
    :ivar database_fault: why nobody can subscribe to the database, if so.
    :ivar send_status: the HTTP status for what is sent by HTTP, if it is refused.
    :ivar presences: who is present.
    :ivar subscribers: the joined channels, the oldest first.
    """

    def __init__(self, settings: Settings, reactor: IReactorTime) -> None:
        self.settings = settings
        self.reactor = reactor
        self.anon_key = self.token("anon", _TEN_YEARS)
        self.alter_bindings: Callable[[BindingsReply], BindingsReply | None] | None = (
            None
        )
        self.database_fault: str | None = None
        self.send_status: int | None = None
        self.presences = PresenceTracker(self._tell_presence)
        self.subscribers: dict[Subscriber, None] = {}
        self._expired: set[str] = set()
        self._joins = Rate(settings.max_joins_per_second, 1.0, reactor)
        self._events = Rate(settings.max_events_per_second, 1.0, reactor)

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

    def expire(self, token: str) -> None:
        """Take a token no more, as if its time were over."""
        self._expired.add(token)

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

    def connect(self, params: Mapping[str, Any], socket: Socket) -> None:
        """Decide on a client's connecting, by its key.

        :raises Refused: the key is neither the publishable one nor a token.
        """
        key = socket.headers.get("x-api-key") or params.get("apikey")
        token = self.as_token(key if isinstance(key, str) else None)
        try:
            self.verified(token)
        except TokenFault as fault:
            raise Refused() from fault
        socket.assigns.update(tenant=self, token=token)

    # Joins.

    def refusal_of_join(self, name: str, private: bool) -> str | None:
        """Why nobody may join a channel, if so.

        :param name: the topic without ``realtime:``.
        """
        if not name:
            return "TopicNameRequired: You must provide a topic name"
        if self.settings.private_only and not private:
            return "PrivateOnly: This project only allows private channels"
        return None

    def limit_of_join(self, session: ServerSession, kick_code: int) -> str | None:
        """Why a client may not join one channel more, if it is for a limit.

        :param kick_code: the close code for a client that joins too often.
        """
        settings = self.settings
        users = {it.session for it in self.subscribers}
        if session not in users and len(users) >= settings.max_concurrent_users:
            return "ConnectionRateLimitReached: Too many connected users"
        if self._joins.exceeds():
            session.close(kick_code)
            return "ClientJoinRateLimitReached: Too many joins per second"
        if len(session.processes) >= settings.max_channels_per_client:
            return "ChannelRateLimitReached: Too many channels"
        return None

    def reply_to_join(self, bindings: BindingsReply) -> dict[str, Any]:
        """What the reply to a join says of its bindings."""
        altered: BindingsReply | None = bindings
        if self.alter_bindings is not None:
            altered = self.alter_bindings(bindings)
        return {} if altered is None else {"postgres_changes": altered}

    # Broadcasts and presences.

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
        self, seats: str, payload: Any, sender: Subscriber | None = None
    ) -> int:
        """Tell those who hear each other of a broadcast.

        :param seats: the topic of their seats.
        :param sender: a channel that is left out.
        :return: how many were told.
        """
        heard = [
            it for it in self._seated(seats) if it is not sender and it.hear(payload)
        ]
        if self._events.exceeds():
            for subscriber in heard:
                subscriber.shut_down("Too many messages per second")
        return len(heard)

    def _tell_presence(self, seats: str, event: str, diff: Any) -> None:
        for subscriber in self._seated(seats):
            subscriber.see(diff)

    def _seated(self, seats: str) -> list[Subscriber]:
        return [it for it in self.subscribers if it.seat.topic == seats]
