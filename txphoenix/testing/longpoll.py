"""The server's long-poll: sessions that clients ask for what they have missed.

::

    C: GET /socket/longpoll?vsn=2.0.0
    S: {"messages":[],"status":410,"token":"SFMyNTY..."}       a new session
    C: POST /socket/longpoll?vsn=2.0.0&token=SFMyNTY...        one frame, or a line each
    S: {"status":200}
    C: GET /socket/longpoll?vsn=2.0.0&token=SFMyNTY...
    S: {"messages":["[...]"],"status":200,"token":"SFMyNTY..."}

HTTP's status is 200 and the one that counts is in the body: 204 if nothing has come
within the window, 410 if the session is gone (the token is that of a new one), 403 if
the client may not connect, 408 if a publish was not dealt with within the window.

As with Phoenix, a session that has ended tells nobody: a poll that waits at that moment
waits out its window, and the next request finds out by getting no answer from the
session's process.
A session ends as well when its client has not polled for one and a half windows, which
is looked at once in that time.

Phoenix cannot send binary frames this way: one that happens to be UTF-8 arrives as a
string, and for any other the poll is answered with HTTP 500.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from secrets import token_bytes, token_urlsafe
from typing import Any, BinaryIO, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.web.server import Request

from txphoenix.protocol.close_codes import NO_CLOSE_FRAME

from .connect import Refused
from .connections import ConnectionWrapper
from .endpoint import Endpoint
from .http import JSON, Mount, answer, header_values
from .options import SocketOptions
from .path import PathPattern
from .session import ServerSession

__all__ = ["LongPollMount", "PollTransport"]

_T = TypeVar("_T")

_NDJSON = ["application/x-ndjson"]
_SESSION_HEADER = "x-phoenix-longpoll-token"
_AUTH_HEADER = "x-phoenix-authtoken"
# How Phoenix's tokens begin: what they are signed with, in base64.
_TOKEN_HEAD = "SFMyNTY"
# The most bytes that Plug reads of a body, unless it is told otherwise.
_LONGEST_BODY = 8_000_000
# A session that has so many messages for its client takes no more from a channel that
# cares.
_MANY_MESSAGES = 256


class LongPollMount(Mount):
    """Answers what comes to the long-poll path of one socket."""

    transport = "longpoll"

    def __init__(
        self, endpoint: Endpoint, options: SocketOptions, path: PathPattern
    ) -> None:
        super().__init__(endpoint, options, path)
        self._secret = token_bytes(32)
        self._transports: dict[str, PollTransport] = {}

    async def handle(self, request: Request) -> None:
        """Open a session, poll it, or publish."""
        request.setHeader(b"access-control-allow-origin", b"*")
        if request.method == b"GET":
            await self._get(request)
        elif request.method == b"POST":
            await self._post(request)
        elif request.method == b"OPTIONS":
            self._tell_options(request)
        else:
            answer(self.endpoint, request, 400)

    def crashed(self, request: Request, failure: Failure) -> None:
        """Answer with HTTP 500, without what other answers have."""
        request.responseHeaders.removeHeader(b"access-control-allow-origin")
        super().crashed(request, failure)

    # Requests.

    async def _get(self, request: Request) -> None:
        token = self._token(request)
        transport = await self._resumed(token)
        refusal = self.endpoint.refusal_of(self.transport)
        if transport is not None:
            await self._poll(request, token, transport)
        elif refusal is not None:
            self.refuse(request, refusal)
        else:
            await self._open(request)

    async def _open(self, request: Request) -> None:
        try:
            socket, codec = await self.connect(request, self._auth_token(request))
        except Refused:
            self._say(request, 403)
        except CancelledError:
            raise
        except Exception:
            self.crashed(request, Failure())
        else:
            name = token_urlsafe(16)
            transport = PollTransport(self, name)
            session = ServerSession(
                self.endpoint, self.options, socket, codec, transport
            )
            transport.session = session
            self._transports[name] = transport
            self.endpoint.session_opened(session)
            self._say(request, 410, messages=[], token=self._signed(name))

    async def _poll(
        self, request: Request, token: str, transport: PollTransport
    ) -> None:
        frames = await transport.poll(request)
        await self.endpoint.when_resumed()
        try:
            messages = [frame.decode("utf-8") for frame in frames]
        except UnicodeDecodeError:
            self.crashed(request, Failure())
        else:
            status = 200 if messages else 204
            self._say(request, status, messages=messages, token=token)

    async def _post(self, request: Request) -> None:
        transport = await self._resumed(self._token(request))
        body = cast(BinaryIO, request.content).read()
        if transport is None:
            self._say(request, 410)
        elif len(body) > _LONGEST_BODY:
            answer(self.endpoint, request, 400)
        else:
            await self._publish(request, transport.session, body)

    async def _publish(
        self, request: Request, session: ServerSession, body: bytes
    ) -> None:
        try:
            frames = _frames(body, header_values(request, "content-type") == _NDJSON)
        except binascii.Error:
            self.crashed(request, Failure())
            return
        status = 200
        for frame in frames:
            session.receive(*frame)
            dealt_with = self._turn(session)
            if not await self._within(self.options.longpoll_window, dealt_with, False):
                status = 408
                break
        await self.endpoint.when_resumed()
        self._say(request, status)

    def _tell_options(self, request: Request) -> None:
        asked = ", ".join(header_values(request, "access-control-request-headers"))
        headers = request.responseHeaders
        for name, value in (
            ("headers", asked),
            ("methods", "get, post, options"),
        ):
            headers.setRawHeaders(f"access-control-allow-{name}", [value])
        headers.setRawHeaders("access-control-max-age", ["3600"])
        answer(self.endpoint, request, 200)

    def _say(self, request: Request, status: int, **values: Any) -> None:
        values["status"] = status
        text = json.dumps(
            values, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )
        cache_control = self.endpoint.flavour.poll_cache_control
        body = text.encode("utf-8")
        answer(self.endpoint, request, 200, body, JSON, cache_control)

    # Sessions and their tokens.

    def forget(self, name: str) -> None:
        """A session has ended."""
        self._transports.pop(name, None)

    async def _resumed(self, token: str) -> PollTransport | None:
        """The transport of the session of a token, if that answers."""
        name = self._verified(token)
        if name is None:
            return None
        transport = self._transports.get(name)
        # One that has ended never has a turn, so that it is waited for all the same.
        turn: Deferred[bool] = Deferred()
        if transport is not None:
            turn = self._turn(transport.session)
        timeout = self.options.longpoll_pubsub_timeout
        return transport if await self._within(timeout, turn, False) else None

    def _turn(self, session: ServerSession) -> Deferred[bool]:
        """A Deferred that fires once the session has done all that it was told before.

        It does not fire if the session ends first.
        """
        turn: Deferred[bool] = Deferred()
        session.post(turn.callback, True)
        return turn

    def _within(
        self, seconds: float, deferred: Deferred[_T], otherwise: _T
    ) -> Deferred[_T]:
        if deferred.called:
            return deferred
        return deferred.addTimeout(seconds, self.endpoint.reactor, lambda *_: otherwise)

    def _token(self, request: Request) -> str:
        """The session's token, by header or in the query; ``""`` if there is none."""
        if self.endpoint.flavour.takes_session_header:
            for value in header_values(request, _SESSION_HEADER):
                return value
        values = request.args.get(b"token", [b""])
        return str(values[-1].decode("latin-1"))

    def _auth_token(self, request: Request) -> str | None:
        if self.options.auth_token and self.endpoint.flavour.takes_auth_token:
            for value in header_values(request, _AUTH_HEADER):
                return value.encode("latin-1").decode("utf-8")
        return None

    def _signed(self, name: str) -> str:
        signature = hmac.digest(self._secret, name.encode("ascii"), "sha256")
        encoded = base64.urlsafe_b64encode(signature).decode("ascii")
        return f"{_TOKEN_HEAD}.{name}.{encoded.rstrip('=')}"

    def _verified(self, token: str) -> str | None:
        """The name of the session that a token was given for, if it was."""
        _, _, rest = token.partition(".")
        name, _, _ = rest.partition(".")
        is_ours = name.isascii() and hmac.compare_digest(
            self._signed(name).encode("ascii"), token.encode("latin-1", "replace")
        )
        return name if is_ours else None


class PollTransport:
    """Keeps a session's frames until its client polls.

    :ivar session: the session, set by whoever makes both.
    """

    session: ServerSession

    def __init__(self, mount: LongPollMount, name: str) -> None:
        self._mount = mount
        self._name = name
        self._reactor = mount.endpoint.reactor
        self._window = mount.options.longpoll_window
        self._frames: list[bytes] = []
        # The polls that wait, and the one of them that is told of a message.
        self._polls: dict[Deferred[list[bytes]], Request] = {}
        self._latest_poll: Deferred[list[bytes]] | None = None
        self._flush_call: IDelayedCall | None = None
        self._last_poll = self._reactor.seconds()
        self._check_call = self._reactor.callLater(self._patience, self._check)

    @property
    def _patience(self) -> float:
        return 1.5 * self._window

    def poll(self, request: Request) -> Deferred[list[bytes]]:
        """Wait for messages.

        A later poll takes the place of this one, which then waits in vain.

        :return: a Deferred of the frames, of none if the window has passed.
        """
        self._last_poll = self._reactor.seconds()
        if self._frames:
            return succeed(self._take())
        poll: Deferred[list[bytes]] = Deferred(self._forget)
        self._polls[poll] = request
        self._latest_poll = poll
        return poll.addTimeout(self._window, self._reactor, lambda *_: [])

    # The session's transport.

    def send(self, data: bytes, is_binary: bool) -> None:
        """Keep a frame, or answer a poll with it and what comes in the same moment."""
        self._frames.append(data)
        if len(self._frames) > _MANY_MESSAGES:
            self.session.set_writable(False)
        if self._latest_poll is not None and self._flush_call is None:
            self._flush_call = self._reactor.callLater(0, self._flush)

    def close(self, code: int) -> None:
        """End; there is no way to tell the client a code."""
        self._mount.forget(self._name)
        self._frames.clear()
        for call in (self._check_call, self._flush_call):
            if call is not None and call.active():
                call.cancel()

    def drop(self) -> None:
        """End, and the connections of the polls that wait as well."""
        self.close(NO_CLOSE_FRAME)
        for request in list(self._polls.values()):
            cast(ConnectionWrapper, request.channel.transport).abortConnection()

    # Inside.

    def _forget(self, poll: Deferred[list[bytes]]) -> None:
        del self._polls[poll]
        if self._latest_poll is poll:
            self._latest_poll = None

    def _flush(self) -> None:
        self._flush_call = None
        poll = self._latest_poll
        if poll is not None:
            self._forget(poll)
            poll.callback(self._take())

    def _take(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        self.session.set_writable(True)
        return frames

    def _check(self) -> None:
        if self._reactor.seconds() - self._last_poll > self._patience:
            self.close(NO_CLOSE_FRAME)
            self.session.lost()
        else:
            self._check_call = self._reactor.callLater(self._patience, self._check)


def _frames(body: bytes, is_batch: bool) -> list[tuple[bytes, bool]]:
    """The frames in a publish, and whether each is binary.

    :raises binascii.Error: a line of a batch is neither JSON nor base64.
    """
    if not is_batch:
        return [(body, False)]
    return [
        (line, False)
        if line.startswith(b"[")
        else (base64.b64decode(line, validate=True), True)
        for line in re.split(rb"\r?\n", body)
    ]
