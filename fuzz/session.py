"""The client's WebSocket protocol alone, in memory, by a factory that keeps all.

It is the class that the client uses, set up as the client sets it up.
"""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from itertools import pairwise
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from txphoenix.errors import ConnectionFailed, HandshakeRefused
from txphoenix.options.options import Options
from txphoenix.protocol.url import parse
from txphoenix.runtime.deadlines import Deadlines
from txphoenix.test.frame_wire import Frame, Wire, sent_frames
from txphoenix.transports.compression import accepts, offered
from txphoenix.transports.refusal import refused
from txphoenix.transports.request_secrets import RequestSecrets
from txphoenix.transports.upgrade import GUID
from txphoenix.transports.websocket import PhoenixClientProtocol

__all__ = ["ACCEPT", "LIMIT", "SWITCHING", "Session", "reads"]

LIMIT = 4096
"""``max_message_size``; no seed needs more, and what is too large is at hand."""

ACCEPT = b"ACCEPT"
"""Stands for the one right value of ``Sec-WebSocket-Accept``."""

SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n"
)
"""A yes, up to its empty line."""

_CLOCK = Clock()
_SECRETS = RequestSecrets(parse("ws://127.0.0.1:4000/socket?token=c2Vj"), {}, "secret")
_OPTIONS = {
    is_compressed: Options(
        url="ws://127.0.0.1:4000/socket",
        max_message_size=LIMIT,
        compression=is_compressed,
    )
    for is_compressed in (False, True)
}


class Session:
    """One protocol, what it is asked for and what it tells.

    It is its protocol's factory and its connection.

    :param is_compressed: whether permessage-deflate is offered.
    :param protocols: the subprotocols that are offered.
    :ivar messages: what was delivered.
    :ivar opened: how often it was told that the session is open.
    :ivar error: what it was told of the end.
    """

    def __init__(self, is_compressed: bool, protocols: tuple[str, ...] = ()) -> None:
        self.options = _OPTIONS[is_compressed]
        self.deadlines = Deadlines.of(_CLOCK)
        self.reactor = _CLOCK
        self.connection = self
        self.protocols = protocols
        self.perMessageCompressionOffers = offered(is_compressed)
        self.perMessageCompressionAccept = accepts(is_compressed)
        self.isServer = False
        self.messages: list[tuple[bytes, bool]] = []
        self.heads: list[bytes] = []
        self.opened = 0
        self.error: ConnectionFailed | None = None
        protocol: Any = PhoenixClientProtocol()
        self.protocol = protocol
        self.protocol.factory = self
        self.wire = Wire()
        self.protocol.makeConnection(self.wire)
        self.wire.writes.clear()

    # -- What a test does ---------------------------------------------------------

    def open(self, headers: bytes = b"") -> None:
        """Answer the handshake with a yes."""
        self.receive(self.with_accept(SWITCHING + headers + b"\r\n"))
        if not self.opened:
            raise AssertionError("the session did not open")

    def with_accept(self, answer: bytes) -> bytes:
        """The answer with the right ``Sec-WebSocket-Accept`` for its placeholder."""
        accept = b64encode(sha1(self.protocol.websocket_key + GUID).digest())
        return answer.replace(ACCEPT, accept)

    def receive(self, data: bytes) -> None:
        """Have something come from the server."""
        self.protocol.dataReceived(data)
        if self.protocol._broken_by is not None:
            raise self.protocol._broken_by

    def end(self) -> None:
        """Have the connection end in good order, and let go of the clock."""
        self.protocol.connectionLost(Failure(ConnectionDone()))
        if self.protocol._broken_by is not None:
            raise self.protocol._broken_by
        for call in _CLOCK.getDelayedCalls():
            call.cancel()

    @property
    def sent(self) -> list[Frame]:
        """What the protocol has sent since the handshake."""
        return sent_frames(b"".join(self.wire.writes))

    @property
    def is_refused(self) -> bool:
        """Whether the answer is a refusal, of which the body may still come."""
        return self.protocol.refused is not None

    @property
    def is_dropped(self) -> bool:
        """Whether the protocol has ended the connection itself."""
        return self.wire.disconnecting or self.wire.is_aborted

    # -- What the protocol asks of its factory, and tells it ------------------------

    def encode_request(self, _key: bytes) -> bytes:
        """The request, which is none of ours."""
        return b"?"

    def refused(
        self,
        status: int | None,
        headers: Mapping[str, str],
        phrase: str,
        body: bytes = b"",
    ) -> HandshakeRefused:
        """The error of a refusal."""
        return refused(status, headers, phrase, body, _SECRETS)

    def head_received(self, head: bytes) -> None:
        """The server has answered."""
        self.heads.append(head)

    def protocol_opened(self) -> None:
        """It is open."""
        self.opened += 1

    def protocol_failed(self, reason: ConnectionFailed) -> None:
        """It has ended before it was open."""
        self._ended(reason)

    def protocol_lost(self, reason: ConnectionFailed) -> None:
        """It has ended."""
        self._ended(reason)

    def _ended(self, reason: ConnectionFailed) -> None:
        if self.error is not None:
            raise AssertionError("the end was told twice")
        self.error = reason

    # -- What it tells the connection ---------------------------------------------

    def frame_received(self, data: bytes, is_binary: bool) -> None:
        """A message."""
        self.messages.append((data, is_binary))

    def receiver_of(self, _read: bytes) -> Any:
        """What takes the messages of a read."""
        return self.frame_received

    def transport_opened(self, _transport: object) -> None:
        """It is open."""

    def transport_closing(self) -> None:
        """It closes."""


def reads(data: bytes, seed: int) -> list[bytes]:
    """Data in the pieces in which it is read; a seed always gives the same ones.

    0 is for all at once, 1 for byte by byte.
    """
    if seed == 0:
        cuts: list[int] = []
    elif seed == 1:
        cuts = list(range(1, len(data)))
    else:
        plan = random.Random(seed)
        cuts = sorted(plan.randrange(len(data) + 1) for _ in range(plan.randrange(12)))
    edges = [0, *cuts, len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    return [piece for piece in pieces if piece]
