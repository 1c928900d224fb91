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
1002                  an answer that is not of Phoenix's long-poll, or not HTTP
1006                  no answer: the network is gone, or it took too long
1009                  a message is longer than ``max_message_size``, or an answer longer
                      than four of them and than 16 MiB
====================  ==================================================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..errors import ConnectionClosed, MessageTooLarge, NotConnected
from ..options.options import Options
from ..protocol.close_codes import NO_CLOSE_FRAME, NORMAL
from ..protocol.handshake import Handshake
from ..runtime.deadlines import Deadlines, DelayedCall, Timer
from ..runtime.package_log import package_log
from .http_head import Answer
from .http_requests import HTTPRequests, NoAnswer
from .interfaces import FrameReceiver, TransportListener
from .longpoll_answers import (
    answer_limit,
    are_texts,
    closed_by,
    failed_with,
    read_answer,
    too_large,
)
from .longpoll_outgoing import Outgoing
from .longpoll_pace import Pace

__all__ = ["LongPollTransport"]

log = Logger("txphoenix.transports.longpoll", observer=package_log)

# A binary frame that the server has put into a string begins with one of its kinds,
# which are the least bytes there are.
_AFTER_BINARY_KINDS: Final = b"\x03"
# While reading is paused, no poll is made once so many characters are held back.
_ENOUGH: Final = 2**20
# How JSON can write a digit in another way.
_ESCAPED_ASCII: Final = b"\\u00"


class LongPollTransport:
    """One session; a :class:`txphoenix.interfaces.Transport`.

    :param reactor: calls later.
    :param connection: is told what happens.
    :param http: makes the requests, and ends with the session.
    :param url: where, with the session's token.
    :param headers: of each request.
    :param poll_headers: of the polls.
    :param options: the client's options.
    :param pace: says when to poll.
    :param lost: called with the reason once nothing is left of the session.
    :param handshake: what the server answered when the session opened.
    """

    needs_heartbeat = False
    unwritten_bytes = property(lambda self: self._outgoing.size)
    """How many bytes wait to be written."""
    unsent_frames = property(lambda self: self._outgoing.unsent)
    """How many frames had not left when the session ended."""

    def __init__(
        self,
        reactor: IReactorTime,
        connection: TransportListener,
        http: HTTPRequests,
        url: str,
        headers: Headers,
        poll_headers: Headers,
        options: Options,
        pace: Pace,
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
        # By their content type.
        self._publish_headers: dict[str, Headers] = {}
        self._asked = url, poll_headers
        self._pace = pace
        self._lost = lost
        self._is_open = True
        # Whether messages are sent and delivered.
        self._is_taking = True
        self._is_paused = False
        self._is_delivering = False
        self._close_reason: ConnectionClosed | None = None
        self._close_timer: DelayedCall | None = None
        self._poll_request: Deferred[Any] | None = None
        # Set while the next poll waits.
        self._poll_timer = Timer(self._poll)
        self._received: deque[str] = deque()
        # Takes them.
        self._receive: FrameReceiver = connection.frame_received
        self._publish_call: DelayedCall | None = None
        self._is_publishing = False
        self._outgoing = Outgoing()
        self._is_full = False
        self.reset_options(options)

    def reset_options(self, options: Options) -> None:
        """Use other options, as far as they concern an open session."""
        self._message_limit = options.max_message_size
        self._close_timeout = options.close_timeout
        self._heartbeat = options.heartbeat_interval, options.heartbeat_timeout
        self._http.limit = answer_limit(options)
        self._write_buffer = options.write_buffer
        self._check_room()

    def start(self) -> None:
        """Begin to poll."""
        self._poll()

    # -- Transport ----------------------------------------------------------------

    def send(self, data: bytes, is_binary: bool) -> int:
        """Send one frame, with others of the same moment; return its mark.

        :raises NotConnected: the session has ended, or is being closed.
        """
        if not self._is_taking:
            raise NotConnected("the session has ended")
        mark = self._outgoing.add(data, is_binary)
        if not self._is_publishing and self._publish_call is None:
            self._publish_call = self._deadlines.callLater(0, self._publish)
        self._check_room()
        return mark

    def has_left(self, mark: int) -> bool:
        """Whether a frame has left: the system was given the whole request.

        That is known once the request has ended.
        """
        return self._outgoing.has_left(mark)

    def withdraw(self, mark: int) -> bool:
        """Take a frame back that waits behind the request under way.

        :return: whether nothing of it has left, nor ever will.
        """
        is_withdrawn = self._outgoing.withdraw(mark)
        self._check_room()
        return is_withdrawn

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """End the session, once the server has all that was sent before.

        The server finds out when no poll comes.
        """
        if not self._is_taking:
            return
        closed = ConnectionClosed(code, reason, was_clean=True)
        self._close_reason = closed
        self._is_taking = False
        self._connection.transport_closing()
        if self._poll_request is not None:
            self._poll_request.cancel()
        if self._is_publishing or self._outgoing:
            late = ConnectionClosed(
                NO_CLOSE_FRAME, "what was sent before the close was not taken"
            )
            self._close_timer = self._deadlines.callLater(
                self._close_timeout, self._end, late
            )
        else:
            self._end(closed)

    def abort(self) -> None:
        """End the session at once."""
        self._end(ConnectionClosed(NO_CLOSE_FRAME, "given up"))

    def dismiss(self) -> None:
        """Tell nothing more, and take nothing: another has its place."""
        self._lost = lambda _reason: None
        if self._is_open:
            self._is_open = self._is_taking = False
            self._let_go()

    def pause_reading(self) -> None:
        """Deliver no further message until :meth:`resume_reading`.

        Polls go on, for they find a server that is gone, until enough is held back.
        Phoenix ends a session that does not poll for one and a half windows (15 s).
        """
        self._is_paused = True

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and poll again."""
        if self._is_paused:
            self._is_paused = False
            self._deliver()
            self._poll()

    # -- Receiving ----------------------------------------------------------------

    def _poll(self) -> None:
        is_waiting = self._poll_request is not None or self._poll_timer.is_set
        has_enough = self._is_paused and sum(map(len, self._received)) >= _ENOUGH
        if has_enough or is_waiting or not self._is_taking:
            return
        timeout = self._pace.begin(*self._heartbeat)
        request = self._http.request(
            "GET", self._url, self._poll_headers, timeout=timeout
        )
        self._poll_request = request  # Before its callbacks, which may run at once.
        request.addCallbacks(self._polled, self._poll_failed)
        request.addErrback(self._broken)

    def _polled(self, answer: Answer) -> None:
        self._poll_request = None
        status, body = read_answer(answer)
        messages = body.get("messages", ()) if status == 200 else ()
        if status not in (200, 204):
            self._end(closed_by(status, answer, self._asked))
        elif not are_texts(messages):
            self._end(closed_by(None, answer, self._asked))
        else:
            self._connection.proved_stable()
            delay = self._pace.answered(is_empty=not messages)
            if messages:
                self._receive = self._receiver_of(answer.body)
                self._received.extend(messages)
            if delay:
                self._deadlines.set(self._poll_timer, delay)
            self._deliver()
            self._poll()

    def _receiver_of(self, body: bytes) -> FrameReceiver:
        """What takes the messages that have been received, and those of a body.

        They are looked at together; so what is written in the body otherwise than in
        the messages must be none of what is looked for.
        """
        if self._received or _ESCAPED_ASCII in body:
            return self._connection.frame_received
        return self._connection.receiver_of(body)

    def _poll_failed(self, failure: Failure) -> None:
        self._poll_request = None
        if failure.check(NoAnswer):
            self._pace.not_answered()
        if self._is_taking:
            self._end(failed_with(failure))

    def _deliver(self) -> None:
        if self._is_delivering:
            return
        self._is_delivering = True
        received = self._received
        try:
            while received and not self._is_paused and self._is_taking:
                # What JSON allows and UTF-8 does not is for the serializer to refuse.
                data = received.popleft().encode("utf-8", "surrogatepass")
                if len(data) > self._message_limit:
                    received.clear()
                    self._end(
                        too_large(MessageTooLarge(len(data), self._message_limit))
                    )
                    return
                self._receive(data, b"" < data < _AFTER_BINARY_KINDS)
        finally:
            self._is_delivering = False

    # -- Sending ------------------------------------------------------------------

    def _publish(self) -> None:
        """Send the next batch."""
        self._publish_call = None
        if not self._outgoing:
            # All of it was taken back.
            return
        self._is_publishing = True
        body, content_type = self._outgoing.next_batch()
        headers = self._publish_headers.get(content_type)
        if headers is None:
            headers = self._publish_headers[content_type] = self._headers.copy()
            headers.setRawHeaders("Content-Type", [content_type])
        request = self._http.request(
            "POST",
            self._url,
            headers,
            body,
            timeout=self._pace.longest(*self._heartbeat),
            written=self._outgoing.batch_left,
        )
        request.addCallbacks(self._published, self._publish_failed)
        request.addErrback(self._broken)

    def _published(self, answer: Answer) -> None:
        self._is_publishing = False
        status, _ = read_answer(answer)
        if status != 200:
            self._end(closed_by(status, answer, self._asked))
            return
        self._outgoing.batch_taken()
        if self._outgoing:
            self._publish()
        elif self._close_reason is not None:
            self._end(self._close_reason)
        if self._poll_timer.is_set:
            # There may be an answer to what was sent.
            self._poll_timer.unset()
            self._poll()
        self._check_room()

    def _publish_failed(self, failure: Failure) -> None:
        self._is_publishing = False
        if self._is_open:
            self._end(failed_with(failure))

    def _check_room(self) -> None:
        """Tell the connection if there is enough to send, or room again.

        It may send more at once.
        """
        is_full = self._outgoing.size >= self._write_buffer
        if is_full == self._is_full or not self._is_taking:
            return
        self._is_full = is_full
        if is_full:
            self._connection.transport_full()
        else:
            self._connection.transport_writable()

    # -- The end ------------------------------------------------------------------

    def _broken(self, failure: Failure) -> None:
        """A callback has raised, which none of ours should."""
        log.failure("long-poll raised; its session ends", failure)
        self._end(ConnectionClosed(NO_CLOSE_FRAME, f"internal error: {failure.value}"))

    def _end(self, reason: ConnectionClosed) -> None:
        if not self._is_open:
            return
        self._deliver_held()
        if not self._is_open:
            # One of those who got a message has ended the session.
            return
        self._is_open = self._is_taking = False
        self._connection.transport_closing()
        self._let_go().addCallback(lambda _: self._lost(reason))

    def _let_go(self) -> Deferred[None]:
        """End all requests and connections, and what waits to be done."""
        self._poll_timer.unset()
        self._outgoing.clear()
        for call in (self._publish_call, self._close_timer):
            if call is not None and call.active():
                call.cancel()
        return self._http.close()

    def _deliver_held(self) -> None:
        """Deliver what a pause held back: it had come before the end."""
        # What is delivered may pause again.
        while self._is_paused and self._received and self._is_taking:
            self._is_paused = False
            self._deliver()
