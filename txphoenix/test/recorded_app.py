"""The application with which the conversations in ``wire/`` were recorded.

The real one is a Phoenix application; this is the same for the server of
:mod:`txphoenix.testing`, so that the two can be compared frame by frame.

Sockets: :data:`SOCKETS` says what is different from ``/socket`` for each path.
Connect params: ``token=invalid`` and ``token=forbidden`` are refused, ``token=raise``
raises; ``user_id=U`` gives the connection the id ``user_socket:U``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from txphoenix.testing import (
    MemoryServer,
    PhoenixServer,
    Refused,
    Reply,
    ServerChannel,
    Socket,
    UnhandledEvent,
    error,
    ok,
    reply,
)
from txphoenix.testing.presence import PresenceChannel

SOCKETS: Mapping[str, Mapping[str, Any]] = {
    "/shorttimeout": {"timeout": 2.0, "longpoll_window": 1.0},
    "/smallframe": {"max_frame_size": 10_000, "longpoll": False},
    "/deflate": {"compression": True, "longpoll": False},
    "/bench": {"channel_limit": None},
    "/authsocket": {"auth_token": True},
}
"""Path -> what is different from ``/socket``."""


def connect(params: Mapping[str, Any], socket: Socket) -> str | None:
    """Decide on a client's connecting."""
    token = params.get("token")
    if token in ("invalid", "forbidden"):
        raise Refused()
    if token == "raise":
        raise RuntimeError("connect was asked to raise")
    user_id = params.get("user_id")
    return None if user_id is None else f"user_socket:{user_id}"


class Flooding(ServerChannel):
    """What ``push_n``, ``flood`` and ``fan`` share."""

    def ticks(self, payload: Any) -> Iterator[Any]:
        """The payloads: ``n`` of them, ``size`` bytes of data each, binary or not."""
        size = payload.get("size", 0)
        for i in range(payload["n"]):
            if payload.get("binary"):
                yield i.to_bytes(4, "big") + b"x" * size
            else:
                yield {"i": i, "data": "x" * size}

    async def flood(self, event: str, payload: Any, to_all: bool = False) -> Reply:
        """Push or broadcast them, held back by the asking client unless it says not."""
        throttle = payload.get("throttle", True)
        for tick in self.ticks(payload):
            if throttle:
                await self.ready()
            if to_all:
                self.broadcast(event, tick)
            else:
                self.push(event, tick)
        return ok({"n": payload["n"]})


class RecordedEcho(Flooding):
    """``echo:*``: each event does one thing, and an unknown one crashes."""

    def join(self, params: Any) -> dict[str, Any]:
        """The reply says the topic and the params."""
        return {"topic": self.topic, "params": params}

    def handle_in(self, event: str, payload: Any) -> Any:
        """Find the method ``on_<event>``."""
        method = getattr(self, f"on_{event}", None)
        if method is None:
            raise UnhandledEvent(event)
        return method(payload)

    def on_echo(self, payload: Any) -> Reply:
        """Reply with the payload, binary too."""
        return ok(payload)

    def on_echo_error(self, payload: Any) -> Reply:
        """Reply with status error and the payload."""
        return error(payload)

    def on_ok(self, payload: Any) -> Reply:
        """Reply with an empty response."""
        return ok()

    def on_noreply(self, payload: Any) -> None:
        """Reply nothing."""

    def on_slow(self, payload: Any) -> None:
        """Reply after ``ms``; other messages are handled meanwhile."""
        self.call_later(payload["ms"] / 1000, self.reply, self.ref, "ok", payload)

    async def on_block(self, payload: Any) -> Reply:
        """Reply after ``ms``; other messages wait."""
        await sleep(self, payload["ms"])
        return ok(payload)

    def on_reply_status(self, payload: Any) -> Reply:
        """Reply as the payload says."""
        return reply(payload["status"], payload["response"])

    def on_reply_twice(self, payload: Any) -> Reply:
        """Reply twice."""
        self.reply(self.ref, "ok", payload)
        return ok(payload)

    def on_crash(self, payload: Any) -> None:
        """Crash by an exception."""
        raise RuntimeError("asked to crash")

    def on_stop_error(self, payload: Any) -> None:
        """Crash by stopping for a reason that is an error."""
        self.crash("error")

    def on_stop(self, payload: Any) -> None:
        """Stop without a reply."""
        self.stop()

    def on_stop_shutdown(self, payload: Any) -> None:
        """Stop without a reply."""
        self.stop("shutdown")

    def on_stop_reply(self, payload: Any) -> Reply:
        """Reply, then stop."""
        self.stop()
        return ok(payload)

    def on_push_me(self, payload: Any) -> Reply:
        """Push ``pushed`` with the payload, then reply."""
        self.push("pushed", payload)
        return ok()

    def on_push_event(self, payload: Any) -> Reply:
        """Push the event that the payload names, then reply."""
        self.push(payload["event"], payload["payload"])
        return ok()

    def on_push_n(self, payload: Any) -> Any:
        """Push ``tick`` n times, then reply."""
        return self.flood("tick", payload)

    def on_broadcast(self, payload: Any) -> Reply:
        """Broadcast ``shout`` to all, then reply."""
        self.broadcast("shout", payload)
        return ok()

    def on_broadcast_from(self, payload: Any) -> Reply:
        """Broadcast ``shout`` to all but the sender, then reply."""
        self.broadcast_from("shout", payload)
        return ok()

    def on_binary(self, payload: bytes) -> Reply:
        """Reply with the same bytes."""
        return ok(payload)

    def on_binary_error(self, payload: bytes) -> Reply:
        """Reply with status error and the same bytes."""
        return error(payload)

    def on_binary_size(self, payload: bytes) -> Reply:
        """Reply with their number and their hash, as JSON."""
        digest = hashlib.sha256(payload).hexdigest()
        return ok({"size": len(payload), "sha256": digest})

    def on_push_binary(self, payload: Any) -> Reply:
        """Push ``pushed_binary`` with the bytes, or with ``size`` of them."""
        data = payload if isinstance(payload, bytes) else b"x" * payload["size"]
        self.push("pushed_binary", data)
        return ok()

    def on_broadcast_binary(self, payload: bytes) -> Reply:
        """Broadcast ``shout`` with the bytes."""
        self.broadcast("shout", payload)
        return ok()

    def on_kick(self, payload: Any) -> Reply | None:
        """Close all connections of this client's id."""
        if self.socket.id is None:
            return error({"reason": "no user_id"})
        self.endpoint.kick(self.socket.id)
        return None

    def on_drop(self, payload: Any) -> None:
        """End this connection without a close frame."""
        self.session.drop()

    def on_conn_info(self, payload: Any) -> Reply:
        """Reply with what is known of the connection."""
        socket = self.socket
        x_headers = {k: v for k, v in socket.headers.items() if k.startswith("x-")}
        return ok(
            {
                "auth_token": socket.auth_token,
                "id": socket.id,
                "join_ref": self.join_ref,
                "params": socket.params,
                "path": socket.path,
                "peer": {"address": socket.peer[0], "port": socket.peer[1]},
                "query": socket.query,
                "serializer": socket.serializer,
                "transport": socket.transport,
                "uri": socket.uri,
                "user_agent": socket.headers.get("user-agent"),
                "x_headers": x_headers,
            }
        )


class RecordedRoom(PresenceChannel):
    """``room:*``: presence, and joins of every kind."""

    refusals: Counter[str] = Counter()
    """How often ``room:flaky`` has refused each key."""

    def join(self, params: Any) -> Any:
        """Some topics refuse, crash or take their time."""
        name = self.topic.removeprefix("room:")
        if name == "private":
            raise Refused({"reason": "unauthorized"})
        if name == "crash":
            raise RuntimeError("asked to crash")
        if name == "flaky":
            self.refusals[params["key"]] += 1
            if self.refusals[params["key"]] <= params["n"]:
                raise Refused({"reason": "flaky"})
        if name in ("slow", "slowms"):
            return sleep(self, 3000 if name == "slow" else params["ms"])
        return {}

    def after_join(self) -> None:
        """Track the client, and tell it who is there."""
        self.meta = {"online_at": int(self.endpoint.reactor.seconds() * 1000)}
        self.meta.update(self.params.get("meta", {}))
        users = (self.params.get("user_id"), self.socket.params.get("user_id"))
        self.key = next((str(user) for user in users if user), "anon")
        self.track(self.key, self.meta)
        self.push_presence_state()

    def handle_in(self, event: str, payload: Any) -> Reply | None:
        """Change presences, list them, or broadcast a message."""
        if event == "list":
            return ok(self.presences())
        self.reply(self.ref, "ok")
        match event:
            case "update_meta":
                self.meta.update(payload)
                self.update(self.key, self.meta)
            case "track":
                self.track(payload["key"], payload.get("meta", {}))
            case "untrack":
                self.untrack(payload["key"])
            case "msg":
                self.broadcast("msg", payload)
            case _:
                raise UnhandledEvent(event)
        return None


class RecordedBench(Flooding):
    """``bench:*``: for measuring."""

    count = 0
    binary_bytes = 0

    def handle_in(self, event: str, payload: Any) -> Any:
        """Echo, flood, or count."""
        match event:
            case "ping":
                return ok(payload)
            case "flood":
                return self.flood("tick", payload)
            case "fan":
                return self.flood("fan", payload, to_all=True)
            case "sink":
                self.count += 1
                self.binary_bytes += len(payload) if isinstance(payload, bytes) else 0
                return None
            case "sink_count":
                counted = {"count": self.count, "binary_bytes": self.binary_bytes}
                if payload.get("reset"):
                    self.count = self.binary_bytes = 0
                return ok(counted)
            case _:
                raise UnhandledEvent(event)


CHANNELS: Mapping[str, type[ServerChannel]] = {
    "echo:*": RecordedEcho,
    "room:*": RecordedRoom,
    "bench:*": RecordedBench,
}


def sleep(channel: ServerChannel, milliseconds: float) -> Deferred[dict[str, Any]]:
    """A Deferred that fires with an empty response after a while."""
    clock: Any = channel.endpoint.reactor
    return deferLater(clock, milliseconds / 1000, dict)


def recorded_server(**options: Any) -> PhoenixServer:
    """The recorded application over TCP."""
    server = PhoenixServer(CHANNELS, connect=connect, **options)
    for path, changes in SOCKETS.items():
        server.add_socket(path, **changes)
    return server


def recorded_memory_server(**options: Any) -> MemoryServer:
    """The recorded application in memory."""
    server = MemoryServer(CHANNELS, connect=connect, **options)
    for path, changes in SOCKETS.items():
        server.add_socket(path, **changes)
    return server
