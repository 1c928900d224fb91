"""Fuzzes the answers of HTTP/1.1 that long-poll takes, and the JSON in them.

The first byte of an input says what the rest is: an answer as it comes over the wire,
read in the pieces that the second byte is for, or the body of a poll's.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from txphoenix.errors import (
    ConnectionClosed,
    ConnectionFailed,
    HandshakeRefused,
    MessageTooLarge,
)
from txphoenix.options.options import Options
from txphoenix.test.frame_wire import Wire
from txphoenix.test.strict_json import strict_json
from txphoenix.transports.http_body import MalformedAnswer
from txphoenix.transports.http_connections import Connection
from txphoenix.transports.http_head import Answer
from txphoenix.transports.longpoll import LongPollTransport
from txphoenix.transports.longpoll_answers import session_token
from txphoenix.transports.longpoll_pace import Pace, Window

from .http_rules import Ruled, rule
from .session import LIMIT, reads

__all__ = ["http_answers"]


def http_answers(data: bytes) -> None:
    """The target."""
    if len(data) < 2:
        return
    if data[0] & 1:
        _poll(data[2:])
    else:
        _answer(data[2:], data[1])


# -- HTTP -----------------------------------------------------------------------------


class _Request:
    """A request and its connection, which tell it what becomes of them."""

    # Without a clock, the body of a refusal is one like any other.
    deadlines = None

    def __init__(self) -> None:
        self.result: Answer | Failure | None = None
        self.wire = Wire()
        self.connection = Connection(self)
        self.connection.makeConnection(self.wire)
        self.connection.begin(self, b"GET / HTTP/1.1\r\n\r\n", None)

    def limit(self) -> int:
        """The most bytes of a body."""
        return LIMIT

    def alive(self) -> None:
        """Something has come."""

    body_written = alive

    def ended(self, result: Answer | Failure) -> None:
        """It is over."""
        if self.result is not None:
            raise AssertionError("the end was told twice")
        self.result = result

    def connected(self, _connection: Connection) -> None:
        """It has begun."""

    is_free = ends = disconnected = connected

    @property
    def is_given_up(self) -> bool:
        """Whether the connection was ended from this side."""
        return self.wire.disconnecting or self.wire.is_aborted


def _answer(data: bytes, seed: int) -> None:
    """What becomes of an answer must be what the rules say, however it comes."""
    expected = rule(data, LIMIT)
    for plan in {0, seed}:
        request = _Request()
        for piece in reads(data, plan):
            request.connection.dataReceived(piece)
            if request.result is not None or request.is_given_up:
                break
        request.connection.connectionLost(Failure(ConnectionDone()))
        ruled = _ruled(request.result)
        # Where there is too much of what is wrong as well, either may show first.
        if ruled != expected and {ruled.kind, expected.kind} != {"wrong", "large"}:
            raise AssertionError(f"{ruled}, and not {expected}: {data!r}")


def _ruled(result: Answer | Failure | None) -> Ruled:
    if isinstance(result, Answer):
        return Ruled("whole", result.code, result.body)
    if result is None:
        raise AssertionError("nothing was told")
    error = result.value
    if isinstance(error, MessageTooLarge):
        return Ruled("large")
    if isinstance(error, MalformedAnswer):
        return Ruled("wrong")
    if isinstance(error, ConnectionFailed):
        return Ruled("cut")
    raise AssertionError(f"told {error!r}")


# -- Long-poll ------------------------------------------------------------------------


class _Session:
    """A session's requests and its connection: one poll is answered, the next waits."""

    limit = 0

    def __init__(self, body: bytes) -> None:
        self._answers = [Answer(200, "OK", {}, body)]
        self.messages: list[tuple[bytes, bool]] = []
        self.lost: list[ConnectionClosed] = []

    def request(self, *_arguments: Any, **_options: Any) -> Deferred[Answer]:
        """A poll."""
        return succeed(self._answers.pop()) if self._answers else Deferred()

    def close(self) -> Deferred[None]:
        """All is over."""
        return succeed(None)

    def frame_received(self, data: bytes, is_binary: bool) -> None:
        """A message."""
        self.messages.append((data, is_binary))

    def receiver_of(self, _body: bytes) -> Any:
        """What takes the messages of a body."""
        return self.frame_received

    def transport_closing(self) -> None:
        """The session ends."""

    proved_stable = transport_closing


_OPTIONS = Options(url="ws://127.0.0.1:4000/socket", max_message_size=LIMIT)


def _poll(body: bytes) -> None:
    """A poll's messages are delivered, or the session ends with the right code."""
    clock = Clock()
    session: Any = _Session(body)
    transport = LongPollTransport(
        clock,
        session,
        session,
        "http://127.0.0.1:4000/socket/longpoll",
        Headers(),
        Headers(),
        _OPTIONS,
        Pace(clock, Window()),
        session.lost.append,
    )
    transport.start()
    code, messages = _expected(body)
    if [data for data, _ in session.messages] != messages:
        raise AssertionError(f"delivered {session.messages}, not {messages}")
    if [error.code for error in session.lost] != [code] * (code is not None):
        raise AssertionError(f"ended with {session.lost}, not {code}: {body!r}")
    transport.abort()
    if len(session.lost) != 1:
        raise AssertionError(f"ended with {session.lost}")
    try:
        token = session_token(Answer(200, "OK", {}, body))
    except HandshakeRefused:
        return
    if not token or not token.encode("utf-8"):
        raise AssertionError("opened without a token")


def _expected(body: bytes) -> tuple[int | None, list[bytes]]:
    """The close code, if the session ends, and the messages, by the standard JSON."""
    try:
        value = strict_json(body)
    except (ValueError, RecursionError):
        return 1002, []
    status = value.get("status") if isinstance(value, dict) else None
    if type(status) is not int or not 100 <= status <= 599:
        return 1002, []
    if status == 204:
        return None, []
    if status != 200:
        return 3000 + status, []
    texts = value.get("messages", [])
    if not isinstance(texts, list) or not all(isinstance(it, str) for it in texts):
        return 1002, []
    messages = [text.encode("utf-8") for text in texts]
    for number, message in enumerate(messages):
        if len(message) > LIMIT:
            return 1009, messages[:number]
    return None, messages
