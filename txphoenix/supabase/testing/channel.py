"""One client in one of Supabase's topics: ``RealtimeWeb.RealtimeChannel``.

Texts, order and codes are that module's in supabase/realtime, and those of its
``BroadcastHandler`` and ``PresenceHandler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater

from txphoenix.message import Message
from txphoenix.testing import Refused, Reply, ServerChannel, ServerV1Codec, error, ok

from .bindings import Bindings
from .codecs import BROADCAST, UserBroadcast
from .filters import SubscriptionFault
from .join_config import JoinConfig
from .own_presence import OwnPresence, ShutDown
from .tenant import Seat, Tenant
from .tokens import TokenFault

__all__ = ["RealtimeServerChannel"]

_POSTGRES = "postgres_changes"
# The server looks at a token once more after that, however long it is valid.
_CONFIRM_INTERVAL = 3600.0


class RealtimeServerChannel(ServerChannel):
    """One client in one topic of a :class:`SupabaseServer`.

    :ivar config: what it has joined with.
    :ivar claims: what its token says.
    :ivar bindings: what it gets of the database.
    :ivar seat: where it hears and is heard.
    :ivar token: its token.
    """

    config: JoinConfig
    claims: Mapping[str, Any]
    bindings: Bindings
    seat: Seat
    token: str
    _readable: tuple[bool, bool]
    _presence: OwnPresence
    _expiry: IDelayedCall | None = None
    _shows_presence = False

    @property
    def tenant(self) -> Tenant:
        """What the project's channels share."""
        return cast(Tenant, self.socket.assigns["tenant"])

    @property
    def name(self) -> str:
        """The topic as users write it, without ``realtime:``."""
        return self.topic.partition(":")[2]

    # Joining.

    async def join(self, params: Any) -> Any:
        """Decide whether the client may join.

        :return: the bindings with their ids: ``{"postgres_changes": [...]}``.
        :raises Refused: it may not; the reason begins with the server's code.
        """
        try:
            await self._admit(params)
        except Refused:
            await self._wait(self.tenant.settings.error_delay)
            raise
        return self.tenant.reply_to_join(self.bindings.with_ids())

    async def _admit(self, params: Any) -> None:
        tenant = self.tenant
        self.config = JoinConfig.read(self.topic, params)
        self.seat = Seat(self.topic, self.config.private)
        self.bindings = Bindings(self.config.changes)
        self._shows_presence = self.config.presence
        self._presence = OwnPresence(
            tenant, self.seat, self.config.presence_key, self._may
        )
        reason = tenant.refusal_of_join(self.name, self.config.private)
        if reason is None:
            kick_code = self.endpoint.flavour.kick_code
            reason = tenant.limit_of_join(self.session, kick_code)
        if reason is not None:
            raise Refused({"reason": reason})
        self.token = tenant.token_of(self.socket, params)
        try:
            self.claims = tenant.verified(self.token)
        except TokenFault as fault:
            raise Refused({"reason": str(fault)}) from fault
        self._readable = self._read_policies()
        if not any(self._readable):
            raise Refused({"reason": f"Unauthorized: {self._unreadable}"})
        if self.config.wait is not None and self.bindings.params:
            await self._subscribe_first(self.config.wait)

    async def _subscribe_first(self, wait: float) -> None:
        """Subscribe to the database before the reply, as the client wants it."""
        tenant = self.tenant
        try:
            self.bindings.subscribe(tenant.settings.tables)
        except SubscriptionFault as fault:
            reason = f"RealtimeDisabledForConfiguration: {fault}"
            raise Refused({"reason": reason}) from fault
        if tenant.database_fault is not None:
            await self._wait(wait)
        if tenant.database_fault is not None:
            reason = (
                f"PostgresChangesSubscribeTimeout: Timed out after {wait * 1000:.0f}ms "
                "waiting for the postgres_changes subscription"
            )
            raise Refused({"reason": reason})

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await deferLater(cast(Any, self.tenant.reactor), seconds)

    def after_join(self) -> None:
        """Tell who is present, and subscribe to the database."""
        self.tenant.subscribers[self] = None
        self._watch_token()
        if self._shows_presence:
            self.call_later(0, self._push_presences)
        if self.bindings.params:
            self.call_later(0, self._subscribe)

    def terminate(self, reason: str) -> None:
        """The channel has ended, and with it its presence."""
        self.tenant.subscribers.pop(self, None)
        self._presence.end()

    # The database.

    def _subscribe(self) -> None:
        tenant = self.tenant
        if tenant.database_fault is not None:
            self.push_system("error", tenant.database_fault, _POSTGRES)
            self.call_later(tenant.settings.retry_delay, self._subscribe)
            return
        try:
            self.bindings.subscribe(tenant.settings.tables)
        except SubscriptionFault as fault:
            self.push_system("error", str(fault), _POSTGRES)
        else:
            self.push_system("ok", "Subscribed to PostgreSQL", _POSTGRES)

    def tell_change(self, data: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """Tell the client of a change, if it has subscribed to such.

        :param data: what the client is told.
        :param row: what filters look at.
        :return: whether it was told.
        """
        told = self.bindings.payloads(data, row)
        for payload in told:
            if self.config.is_of_2021:
                self._send(data["type"], payload["data"])
            else:
                self._send(_POSTGRES, payload)
        return bool(told)

    # Messages of the client.

    def handle_in(self, event: str, payload: Any) -> Reply | None:
        """Handle what the client pushes; what the server does not know it ignores."""
        if event == BROADCAST:
            return self._broadcast(payload)
        if event == "presence":
            return self._take_presence(payload)
        if event == "access_token" and isinstance(payload, dict):
            self._refresh(payload.get("access_token"))
        return None

    def _broadcast(self, payload: Any) -> Reply | None:
        fault = None
        if not self._may("broadcast.write"):
            fault = "unauthorized"
        elif self.tenant.is_too_large(payload):
            fault = "payload_size_exceeded"
        else:
            if isinstance(payload, UserBroadcast):
                # What the sender says of it is for the server alone.
                payload = payload._replace(metadata={})
            sender = None if self.config.hears_itself else self
            self.tenant.dispatch(self.seat.topic, payload, sender)
        if not self.config.ack:
            return None
        return ok() if fault is None else error({"error": fault})

    def hear(self, payload: Any) -> bool:
        """Tell the client of a broadcast.

        One who speaks version 1.0.0 does not hear what is not JSON.

        :return: whether it was told.
        """
        if not self._may("broadcast.read"):
            return False
        if self.socket.serializer == ServerV1Codec.name and (
            isinstance(payload, bytes)
            or (isinstance(payload, UserBroadcast) and payload.as_json() is None)
        ):
            return False
        self._send(BROADCAST, payload)
        return True

    # Presence.

    def _take_presence(self, payload: Any) -> Reply | None:
        try:
            reply = self._presence.take(payload)
        except ShutDown as end:
            self.shut_down(str(end))
            return None
        if self._presence.is_tracked and not self._shows_presence:
            # Those who came before it are unknown to the client as yet.
            self._shows_presence = True
            self.call_later(0, self._push_presences)
        return reply

    def _push_presences(self) -> None:
        if self._may("presence.read"):
            present = self.tenant.presences.list(self.seat.topic)
            self.push("presence_state", present)

    def see(self, diff: Mapping[str, Any]) -> None:
        """Tell the client who has come and gone, whether it has asked or not."""
        if self._may("presence.read"):
            self._send("presence_diff", diff)

    # Its token.

    def _refresh(self, token: Any) -> None:
        if not isinstance(token, str) or token.startswith("sb_") or token == self.token:
            return
        self.token = token
        try:
            self.claims = self.tenant.verified(token)
        except TokenFault as fault:
            is_forged = fault.code == "JwtSignatureError"
            self.shut_down(":signature_error" if is_forged else fault.message)
            return
        before, self._readable = self._readable, self._read_policies()
        if not any(self._readable):
            self.shut_down(self._unreadable)
        elif (True, False) in zip(before, self._readable, strict=True):
            self.shut_down(
                f"You no longer have permission to read from this Channel topic: "
                f"{self.name}"
            )
        else:
            self._watch_token()
            if self.bindings.params:
                delay = self.tenant.settings.resubscribe_delay
                self.call_later(delay, self._subscribe)

    def _watch_token(self) -> None:
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        left = self.claims["exp"] - self.tenant.reactor.seconds()
        self._expiry = self.call_later(min(left, _CONFIRM_INTERVAL), self._confirm)

    def _confirm(self) -> None:
        try:
            self.tenant.verified(self.token)
        except TokenFault as fault:
            self.shut_down(fault.message)
        else:
            self._watch_token()

    def _may(self, action: str) -> bool:
        """Whether the client may do something, as on a public channel all may."""
        if not self.config.private:
            return True
        return self.tenant.settings.policy(self.claims, self.name, action)

    def _read_policies(self) -> tuple[bool, bool]:
        return self._may("broadcast.read"), self._may("presence.read")

    @property
    def _unreadable(self) -> str:
        return (
            f"You do not have permissions to read from this Channel topic: {self.name}"
        )

    # What the server says.

    def push_system(self, status: str, message: str, extension: str = "system") -> None:
        """Send a ``system`` message.

        :param status: ``"ok"`` or ``"error"``.
        :param extension: what it is about: ``"system"`` or ``"postgres_changes"``.
        """
        self.push(
            "system",
            {
                "extension": extension,
                "status": status,
                "message": message,
                "channel": self.name,
            },
        )

    def shut_down(self, message: str) -> None:
        """End the channel with a ``system`` error, as the server does."""
        self.push_system("error", message)
        self.stop("shut down")

    def _send(self, event: str, payload: Any) -> None:
        """Send what all of a topic get alike: it belongs to no join."""
        self.session.send(Message(None, None, self.topic, event, payload))
