r"""The long-poll transport: frames over HTTP, where a WebSocket cannot pass.

::

    C: GET /socket/longpoll?user=1&vsn=2.0.0
    S: {"messages":[],"status":410,"token":"SFMyNTY..."}      the session is open
    C: GET /socket/longpoll?user=1&vsn=2.0.0&token=SFMyNTY...
    C: POST /socket/longpoll?user=1&vsn=2.0.0&token=SFMyNTY...
       ["1","1","rooms:lobby","phx_join",{}]                  a frame a line
    S: {"status":200}
    S: {"messages":["[\"1\",\"1\",...]"],"status":200,"token":"SFMyNTY..."}

One GET waits at the server at any time, and at most one POST is under way: what is
sent meanwhile goes with the next one, in order.

HTTP has no close frame, so that the ends of a session have codes of their own
(:attr:`txphoenix.errors.ConnectionClosed.code`):

====================  ==================================================================
code                  what has happened
====================  ==================================================================
3000 + status         what the server said, in the body or as HTTP's own status: 3410 if
                      the session is gone, 3408 if it did not deal with a frame, 3500
                      for an error, 3502 for a proxy's, and so on
1002                  an answer that is not of Phoenix's long-poll
1006                  no answer: the network is gone, or it took too long
1009                  a message is longer than ``max_message_size``, or an answer longer
                      than four of them and than 16 MiB
====================  ==================================================================
"""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, Final

import idna
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..cookie_jar import bounded_jar
from ..deadlines import Deadlines, DelayedCall
from ..errors import ConnectionClosed, MessageTooLarge, NotConnected
from ..handshake import Handshake
from ..options import Options
from ..package_log import package_log
from ..url import Target, add_params, connect_url
from .attempt import Attempt, prepare
from .connector import EndpointConnector
from .cookies import ServerCookies
from .endpoints import client_endpoint
from .http import Answer, HTTPSession
from .longpoll_answers import (
    are_texts,
    closed_by,
    failed_with,
    read_answer,
    session_token,
    too_large,
)
from .request_headers import request_headers
from .tuned import TunedEndpoint

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["LongPollConnector", "LongPollTransport"]

log = Logger(observer=package_log)

# As Phoenix's own client has it: the server handles a batch in one go.
_MOST_LINES: Final = 100
# A batch is cut before it is longer than a proxy (nginx: 1 MiB) takes of a body.
_LONGEST_BATCH: Final = 1_000_000
# How much of an answer is taken, in messages of max_message_size, and in any case.
# An answer has all that the server has kept since the last one, however small each
# message is: while a reader pauses, that is what comes in the 15 seconds before
# Phoenix ends the session.
_LARGEST_MESSAGES: Final = 4
_SMALLEST_LIMIT: Final = 16 * 1024 * 1024
# How a binary frame begins that the server has put into a string.
_BINARY_KINDS: Final = ("\x00", "\x01", "\x02")

_AUTH_HEADER = "X-Phoenix-AuthToken"
_NDJSON = "application/x-ndjson"
_TEXT = "text/plain"


class LongPollConnector(EndpointConnector):
    """Opens a session of long-poll.

    One attempt is: ask for url, params, headers and token; ask the server for a
    session.
    """

    protocol: Any

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next session on where they concern it."""
        self.options = options
        if self.protocol is not None:
            self.protocol.reset_options(options)

    async def _open(self) -> Any:
        options = self.options
        attempt = await prepare(options, self.check_wanted)
        url = connect_url(
            attempt.url,
            transport="longpoll",
            params=attempt.params,
            vsn=options.vsn,
            exact=options.exact_url,
        )
        target = self._aim_at(url)
        endpoint = TunedEndpoint(
            client_endpoint(self._reactor, target, options, self._factory.addresses),
            options.keepalive,
        )
        self.check_wanted()
        self._factory.addresses.attempt_begins()
        http = HTTPSession(
            self._reactor,
            endpoint,
            timeout=_request_timeout(options),
            limit=_answer_limit(options),
            cookies=ServerCookies(_jar(options), target),
        )
        url = _url(target)
        headers = _headers(target, attempt)
        try:
            answer = await http.request("GET", url, _for_polls(headers, attempt))
            token = session_token(answer)
        except BaseException:
            await http.close()
            raise
        return LongPollTransport(
            self._reactor,
            self._factory.connection,
            http,
            add_params(url, {"token": token}),
            headers,
            _for_polls(headers, attempt),
            options,
            self._factory.protocol_lost,
            Handshake("longpoll", answer.code, head=answer.head),
        )

    def _connected(self, transport: Any) -> None:
        self.protocol = transport
        super()._connected(transport)
        self.protocol_opened()
        self._factory.connection.transport_opened(transport)
        transport.start()


class LongPollTransport:
    """One session; a :class:`txphoenix.interfaces.Transport`.

    :param reactor: calls later.
    :param connection: is told what happens.
    :param http: makes the requests, and ends with the session.
    :param url: where, with the session's token.
    :param headers: of each request.
    :param poll_headers: of the polls.
    :param options: the client's options.
    :param lost: called with the reason once nothing is left of the session.
    :param handshake: what the server answered when the session opened.
    """

    needs_heartbeat = False

    def __init__(
        self,
        reactor: IReactorTime,
        connection: Connection,
        http: HTTPSession,
        url: str,
        headers: Headers,
        poll_headers: Headers,
        options: Options,
        lost: Callable[[ConnectionClosed], None],
        handshake: Handshake | None = None,
    ) -> None:
        self.handshake = handshake
        self._deadlines = Deadlines.of(reactor)
        self._connection = connection
        self._http = http
        self._url = url
        self._headers = headers
        self._poll_headers = poll_headers
        self._lost = lost
        self._is_open = True
        self._is_paused = False
        self._is_delivering = False
        self._close_reason: ConnectionClosed | None = None
        self._close_timer: DelayedCall | None = None
        self._poll_request: Deferred[Any] | None = None
        self._received: deque[str] = deque()
        self._publish_call: DelayedCall | None = None
        self._is_publishing = False
        # Each with whether it can be a line of a batch.
        self._outgoing: deque[tuple[bytes, bool]] = deque()
        self.reset_options(options)

    def reset_options(self, options: Options) -> None:
        """Use other options, as far as they concern an open session."""
        self._message_limit = options.max_message_size
        self._close_timeout = options.close_timeout
        self._http.timeout = _request_timeout(options)
        self._http.limit = _answer_limit(options)

    def start(self) -> None:
        """Begin to poll."""
        self._poll()

    # -- Transport ----------------------------------------------------------------

    def send(self, data: bytes, is_binary: bool) -> None:
        """Send one frame, together with those that are sent in the same moment.

        :raises NotConnected: the session has ended, or is being closed.
        """
        if not self._is_taking:
            raise NotConnected("the session has ended")
        if is_binary:
            self._outgoing.append((b64encode(data), True))
        else:
            # The server takes any line of a batch that does not begin so for base64.
            is_line = data.startswith(b"[") and b"\n" not in data
            self._outgoing.append((data, is_line))
        if not self._is_publishing and self._publish_call is None:
            self._publish_call = self._deadlines.callLater(0, self._publish)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session, once the server has all that was sent before.

        The server is not told of the end: it finds out when no poll comes.
        """
        if not self._is_taking:
            return
        closed = ConnectionClosed(code, reason, was_clean=True)
        self._close_reason = closed
        self._connection.transport_closing()
        if self._poll_request is not None:
            self._poll_request.cancel()
        if self._is_publishing or self._outgoing:
            late = ConnectionClosed(
                1006, "what was sent before the close was not taken"
            )
            self._close_timer = self._deadlines.callLater(
                self._close_timeout, self._end, late
            )
        else:
            self._end(closed)

    def abort(self) -> None:
        """End the session at once."""
        self._end(ConnectionClosed(1006, "given up"))

    def pause_reading(self) -> None:
        """Deliver no further message until :meth:`resume_reading`, and do not poll.

        The server ends a session that does not poll for one and a half windows (15
        seconds as Phoenix is set up).
        """
        self._is_paused = True

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and poll again."""
        if self._is_paused:
            self._is_paused = False
            self._deliver()
            self._poll()

    @property
    def _is_taking(self) -> bool:
        """Whether messages are sent and delivered."""
        return self._is_open and self._close_reason is None

    # -- Receiving ----------------------------------------------------------------

    def _poll(self) -> None:
        if self._is_paused or self._poll_request is not None or not self._is_taking:
            return
        request = self._http.request("GET", self._url, self._poll_headers)
        # Before its callbacks, which may run at once.
        self._poll_request = request
        request.addCallbacks(self._polled, self._poll_failed)
        request.addErrback(self._broken)

    def _polled(self, answer: Answer) -> None:
        self._poll_request = None
        status, body = read_answer(answer)
        messages = body.get("messages", ()) if status == 200 else ()
        if status not in (200, 204):
            self._end(closed_by(status, answer))
        elif not are_texts(messages):
            self._end(closed_by(None, answer))
        else:
            self._connection.proved_stable()
            self._received.extend(messages)
            self._deliver()
            self._poll()

    def _poll_failed(self, failure: Failure) -> None:
        self._poll_request = None
        if self._is_taking:
            self._end(failed_with(failure))

    def _deliver(self) -> None:
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._received and not self._is_paused and self._is_taking:
                self._deliver_one(self._received.popleft())
        finally:
            self._is_delivering = False

    def _deliver_one(self, text: str) -> None:
        # What JSON allows and UTF-8 does not is for the serializer to refuse.
        data = text.encode("utf-8", "surrogatepass")
        if len(data) <= self._message_limit:
            self._connection.frame_received(data, text.startswith(_BINARY_KINDS))
        else:
            self._received.clear()
            self._end(too_large(MessageTooLarge(len(data), self._message_limit)))

    # -- Sending ------------------------------------------------------------------

    def _publish(self) -> None:
        """Send the next batch."""
        self._publish_call = None
        self._is_publishing = True
        body, content_type = self._next_batch()
        headers = self._headers.copy()
        headers.setRawHeaders("Content-Type", [content_type])
        request = self._http.request("POST", self._url, headers, body)
        request.addCallbacks(self._published, self._publish_failed)
        request.addErrback(self._broken)

    def _next_batch(self) -> tuple[bytes, str]:
        first, is_line = self._outgoing.popleft()
        if not is_line:
            return first, _TEXT
        lines, size = [first], len(first)
        while self._outgoing and len(lines) < _MOST_LINES:
            line, is_line = self._outgoing[0]
            size += 1 + len(line)
            if not is_line or size > _LONGEST_BATCH:
                break
            lines.append(line)
            self._outgoing.popleft()
        return b"\n".join(lines), _NDJSON

    def _published(self, answer: Answer) -> None:
        self._is_publishing = False
        status, _ = read_answer(answer)
        if status != 200:
            self._end(closed_by(status, answer))
        elif self._outgoing:
            self._publish()
        elif self._close_reason is not None:
            self._end(self._close_reason)

    def _publish_failed(self, failure: Failure) -> None:
        self._is_publishing = False
        if self._is_open:
            self._end(failed_with(failure))

    # -- The end ------------------------------------------------------------------

    def _broken(self, failure: Failure) -> None:
        """A callback has raised, which none of ours should."""
        log.failure("long-poll", failure)
        self._end(ConnectionClosed(1006, f"internal error: {failure.value}"))

    def _end(self, reason: ConnectionClosed) -> None:
        if not self._is_open:
            return
        self._deliver_held()
        if not self._is_open:
            # One of those who got a message has ended the session.
            return
        self._is_open = False
        self._outgoing.clear()
        for call in (self._publish_call, self._close_timer):
            if call is not None and call.active():
                call.cancel()
        self._connection.transport_closing()
        self._http.close().addCallback(lambda _: self._lost(reason))

    def _deliver_held(self) -> None:
        """Deliver what a pause held back: it had come before the end."""
        # What is delivered may pause again.
        while self._is_paused and self._received and self._is_taking:
            self._is_paused = False
            self._deliver()


def _jar(options: Options) -> CookieJar:
    """The client's jar, or one that lasts as long as the session."""
    return bounded_jar() if options.cookies is None else options.cookies


def _request_timeout(options: Options) -> float:
    """The seconds that a request may take.

    A server that is gone is found out as soon as it would be by heartbeats.
    A poll is answered within the server's window, 10 seconds as Phoenix is set up.
    """
    return options.heartbeat_interval + options.heartbeat_timeout


def _answer_limit(options: Options) -> int:
    """The most bytes that an answer may have: it can hold many messages."""
    return max(_SMALLEST_LIMIT, _LARGEST_MESSAGES * options.max_message_size)


def _url(target: Target) -> str:
    """The URL of the requests, as far as it matters: the endpoint knows the way."""
    scheme = "https" if target.secure else "http"
    # An address can share a cookie with no other host, so that any name does for it.
    host = "x" if ":" in target.host else _agent_host(target.server_name)
    return f"{scheme}://{host}:{target.port}{target.resource}"


def _agent_host(name: str) -> str:
    """The host, as far as treq takes it, which asks for one of IDNA.

    The domain that it is in is kept: a cookie may be for all of that.
    """
    return ".".join(map(_agent_label, name.split(".")))


def _agent_label(label: str) -> str:
    try:
        idna.alabel(label)
    except idna.IDNAError:
        return "x"
    return label


def _headers(target: Target, attempt: Attempt) -> Headers:
    headers = Headers()
    for name, value in request_headers(target, attempt.headers, {}).items():
        headers.setRawHeaders(name, [value])
    return headers


def _for_polls(headers: Headers, attempt: Attempt) -> Headers:
    headers = headers.copy()
    if not headers.hasHeader("Accept"):
        headers.setRawHeaders("Accept", ["application/json"])
    if attempt.auth_token is not None and not headers.hasHeader(_AUTH_HEADER):
        headers.setRawHeaders(_AUTH_HEADER, [attempt.auth_token])
    return headers
