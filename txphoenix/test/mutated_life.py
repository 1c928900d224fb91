"""A client that lives through mutations of what servers have sent.

The whole client is there, in memory and on a clock.
Its server answers joins, leaves, pushes and heartbeats, and has said all else wrongly.
What RFC 6455 has of each read (:mod:`.frame_rules`) is compared with what the client
does: what it delivers and answers, whether its connection ends, and by which code.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any, cast

from twisted.internet.interfaces import IAddress
from twisted.logger import ILogObserver, LogLevel, globalLogPublisher

from txphoenix import Message, SocketClient
from txphoenix.errors import ConnectionClosed, PhoenixError, SerializerError
from txphoenix.protocol.backoff import steps
from txphoenix.testing import MemoryServer

from .frame_rules import FrameRules
from .frame_wire import CLOSE, PONG, TEXT, frame, sent_frames
from .message_rules import message_in
from .mutations import Mutations, recorded_payloads
from .raw_server import SWITCHING, RawConnection, RawServer
from .strict_json import depth_of

__all__ = ["LIMIT", "MutatedLife", "Wrong"]

LIMIT = 16 * 1024
"""``max_message_size``."""

TOPICS = ("room:lobby", "echo:a", "echo:s", "rooms:lobby")
EVENTS = ("tick", "news", "pushed", "shout", "presence_state", "presence_diff")

# Codecs differ over what is nested deeper.
_DEEP = 200
_DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
_NO_TIME = 0.01
_DELAY = 0.5
# What the client waits at most after a close with 1013.
_OVERLOAD = 15.0


class Wrong(AssertionError):
    """The client has done something that it should not."""


class _Peer(RawConnection):
    """The server's end, which answers what a client asks of a channel.

    :ivar rules: what the RFC makes of all that was sent.
    :ivar pongs: the payloads that the client has answered pings by.
    :ivar codes: the codes of its close frames, 0 for none.
    """

    def __init__(self, server: _Server) -> None:
        super().__init__(server)
        self.rules = FrameRules(LIMIT, server.is_deflated)
        self._inflate = zlib.decompressobj(-15) if server.is_deflated else None
        self.pongs: list[bytes] = []
        self.codes: list[int] = []

    def dataReceived(self, data: bytes) -> None:
        """Answer the handshake, and then all frames, which come whole."""
        if not self.request:
            super().dataReceived(data)
            return
        for each in sent_frames(data):
            if each.opcode == PONG:
                self.pongs.append(each.payload)
            elif each.opcode == CLOSE:
                self.codes.append(int.from_bytes(each.payload[:2], "big"))
            else:
                self._answer_message(each.opcode, each.payload)

    def _answer_message(self, opcode: int, payload: bytes) -> None:
        if opcode & 0x40 and self._inflate is not None:
            payload = self._inflate.decompress(payload + b"\0\0\xff\xff")
        join_ref, ref, topic, _, _ = json.loads(payload)
        reply = {"status": "ok", "response": {}}
        said = json.dumps([join_ref, ref, topic, "phx_reply", reply]).encode()
        # In the middle of a frame it is a part of that, and so it is with a server.
        self.say(frame(said, TEXT))

    def say(self, data: bytes) -> None:
        """Send bytes behind the handshake."""
        if not self.is_lost:
            self.rules.take(data)
            self.send(data)


class _Server(RawServer):
    """The server."""

    def __init__(self, is_deflated: bool) -> None:
        super().__init__()
        self.is_deflated = is_deflated
        self.answer = SWITCHING + (_DEFLATE if is_deflated else b"") + b"\r\n"

    def buildProtocol(self, addr: IAddress | None) -> RawConnection:
        """Make the end of a connection, and remember that one alone."""
        self.connections = [_Peer(self)]
        return self.connections[0]


class MutatedLife:
    """One client, from its start to its end.

    :param seed: decides over all mutations, and how they are cut into reads.
    :param is_deflated: whether permessage-deflate is agreed on.
    :ivar mutations: how many there were.
    :ivar deaths: how often the connection has ended, by the code that was told.
    :ivar messages: how many messages were delivered.
    :ivar dropped: how many frames were no messages.
    """

    def __init__(self, seed: int, is_deflated: bool = False) -> None:
        self._random = Random(seed)
        payloads = recorded_payloads()
        self._mutations = Mutations(self._random, payloads, LIMIT, is_deflated)
        self._server = _Server(is_deflated)
        self._memory = MemoryServer({})
        self._memory._server_factory = cast(Any, self._server)
        self.client = SocketClient(
            self._memory.url,
            reactor=self._memory.clock,
            endpoint=self._memory.endpoint,
            backoff=steps([_DELAY]),
            rejoin_backoff=steps([_NO_TIME]),
            max_message_size=LIMIT,
            compression=is_deflated,
            # What nobody takes of a channel waits, and that is a bound of its own.
            receive_buffer=20,
        )
        self.mutations = self.messages = self.dropped = 0
        self.deaths: dict[int, int] = {}
        self._waiting: list[list[Any]] = []
        self._received: list[Message] = []
        self._ends: list[Any] = []
        self._compared = self._dropped = 0
        self._logged: list[str] = []
        self._observer = cast(ILogObserver, self._log)
        self._forget_hook: Callable[[], object] | None = None

    @property
    def _peer(self) -> _Peer:
        return cast(_Peer, self._server.connections[0])

    # -- From the start to the end ------------------------------------------------

    def start(self) -> None:
        """Connect and join."""
        globalLogPublisher.addObserver(self._observer)
        self.client.on_close(self._ends.append)
        self.client.on_error(self._told)
        for topic in TOPICS:
            channel = self.client.channel(topic)
            for event in EVENTS:
                channel.on(event, lambda _payload: None)
        self.client.startService()
        self._memory.flush()
        self._begin()

    def run(self, count: int) -> None:
        """Live through so many mutations more."""
        for _ in range(count):
            self.mutations += 1
            data = self._mutations.next()
            try:
                self._suffer(data)
            except Wrong:
                raise
            except Exception as error:
                raise Wrong(f"{error!r} came out, at {data[:200]!r}") from error

    def stop(self) -> None:
        """End, and see that nothing is left."""
        stopped = self._watch(self.client.stopService())
        self._memory.flush()
        self._memory.advance(self.client.options.close_timeout)
        self.forget()
        self._memory.stop(drain=False)
        self._memory.flush()
        if stopped != [None]:
            raise Wrong(f"stopService() has fired with {stopped}")
        if any(len(fired) != 1 for fired in self._waiting):
            raise Wrong("a Deferred has not fired, or twice")
        left = self._memory.clock.getDelayedCalls()
        if left:
            raise Wrong(f"the clock holds {left}")

    def forget(self) -> None:
        """Look at the log no more."""
        globalLogPublisher.removeObserver(self._observer)

    # -- A mutation ---------------------------------------------------------------

    def _suffer(self, data: bytes) -> None:
        """Have the server send it, cut into reads, and compare after each."""
        random = self._random
        count = random.choice((0, 0, 1, 3))
        cuts = [random.randrange(len(data) + 1) for _ in range(count)]
        for start, end in pairwise([0, *sorted(cuts), len(data)]):
            if start < end and not self._say(data[start:end]):
                return
        rules = self._peer.rules
        if random.random() < 0.02:
            self._push()
        if rules.missing and random.random() < 0.7:
            if random.random() < 0.1:
                self._die(hard=True)
            else:
                # The rest of a frame that has promised more.
                self._say(random.randbytes(min(rules.missing, LIMIT)))

    def _say(self, data: bytes) -> bool:
        """Have it read; return whether the connection lives."""
        peer = self._peer
        peer.say(data)
        self._memory.flush()
        self._memory.clock.advance(_NO_TIME)
        self._memory.flush()
        if self._logged:
            raise Wrong(f"logged: {self._logged}")
        self._compare(peer)
        if peer.rules.is_over or peer.codes or peer.is_lost:
            self._die()
            return False
        return True

    def _compare(self, peer: _Peer) -> None:
        """What the client has made of it so far."""
        rules = peer.rules
        expected = rules.messages[self._compared :]
        self._compared = len(rules.messages)
        self.messages += len(expected)
        if peer.pongs != rules.pings[: len(peer.pongs)] or (
            len(peer.pongs) < len(rules.pings) and not rules.is_over and not peer.codes
        ):
            raise Wrong(f"answered {rules.pings} by {peer.pongs}")
        self._compare_messages(expected, peer)
        if not peer.codes:
            if rules.is_over:
                raise Wrong(f"lives, though {rules.must_fail or rules.closed}")
            if peer.is_lost:
                raise Wrong("the connection was dropped without a reason")
            return
        allowed = set(rules.may_fail)
        if rules.closed is not None:
            allowed |= {0, 1000, rules.closed}
        if len(peer.codes) != 1 or peer.codes[0] not in allowed:
            raise Wrong(f"closed with {peer.codes}, and not with one of {allowed}")

    def _compare_messages(
        self, expected: list[tuple[bytes, bool]], peer: _Peer
    ) -> None:
        """Whether each frame was delivered or dropped, for itself alone."""
        received = list(self._received)
        self._received.clear()
        dropped = self._dropped - self.dropped
        self.dropped = self._dropped
        found = [message_in(*each) for each in expected]
        deep = [depth_of(data) > _DEEP for data, _ in expected]
        if dropped + len(received) != len(expected) and self._forget_hook is not None:
            raise Wrong(
                f"{len(expected)} came, {dropped} dropped, {received}: {expected}"
            )
        if any(deep):
            return
        if dropped != found.count(None):
            raise Wrong(f"dropped {dropped} of {expected}")
        if self._forget_hook is not None:
            told = [repr(message) for message in received]
            if told != [repr(message) for message in found if message is not None]:
                raise Wrong(f"delivered {told}, and not {found}")

    # -- Lives and deaths ---------------------------------------------------------

    def _begin(self) -> None:
        """A new connection."""
        if not self.client.connected:
            raise Wrong(f"is {self.client.status}")
        self._compared = 0
        if self._forget_hook is not None:
            self._forget_hook()
            self._forget_hook = None
        # Without a hook for all messages they go the short way.
        if self._random.random() < 0.5:
            self._forget_hook = self.client.on_message(self._received.append)
        for topic in TOPICS:
            channel = self.client.channel(topic)
            if channel.state == "closed":
                self._watch(channel.join())
        self._memory.flush()
        self._received.clear()
        self._compared = len(self._peer.rules.messages)

    def _die(self, hard: bool = False) -> None:
        """The server ends the connection, and the client comes back."""
        peer, rules = self._peer, self._peer.rules
        if not peer.is_lost:
            peer.lose()
            self._memory.flush()
        ends, self._ends[:] = list(self._ends), []
        codes = [end.code for end in ends if isinstance(end, ConnectionClosed)]
        allowed = set(rules.may_fail)
        if rules.closed is not None:
            allowed.add(rules.closed)
        if hard:
            allowed.add(1006)
        if len(codes) != 1 or len(ends) != 1 or codes[0] not in allowed:
            raise Wrong(f"told {ends}, and not of one of {allowed}")
        self.deaths[codes[0]] = self.deaths.get(codes[0], 0) + 1
        self._memory.advance(_DELAY)
        if not self.client.connected:
            self.client.connect()
            # Nobody may do away with the delay again and again.
            self._memory.advance(_OVERLOAD)
        self._begin()

    def _push(self) -> None:
        """Push something, of which all that is asked is that its Deferred fires."""
        channel = self.client.channel(self._random.choice(TOPICS))
        self._watch(channel.push("echo", {"x": self.mutations}, timeout=5.0))
        self._memory.flush()

    def _watch(self, deferred: Any) -> list[Any]:
        fired: list[Any] = []

        def keep(result: Any) -> None:
            fired.append(getattr(result, "value", result))
            if isinstance(fired[0], Exception) and not isinstance(
                fired[0], PhoenixError
            ):
                self._logged.append(f"a Deferred has failed with {fired[0]!r}")

        self._waiting = [each for each in self._waiting if len(each) != 1]
        self._waiting.append(fired)
        deferred.addBoth(keep)
        return fired

    def _told(self, error: Exception) -> None:
        if isinstance(error, SerializerError):
            self._dropped += 1

    def _log(self, event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None or event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            text = failure.getTraceback() if failure else event.get("log_format")
            self._logged.append(str(text))
