"""What Phoenix's runtime does for a channel: one process, one message at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txphoenix.protocol.close_codes import INTERNAL_ERROR
from txphoenix.protocol.event_names import PHX_CLOSE, PHX_ERROR, PHX_LEAVE, PHX_REPLY
from txphoenix.protocol.message import Message

from ..runtime.package_log import package_log
from .codec import CodecError, ServerCodec
from .connect import Refused
from .flavour import Flavour
from .hooks import WrongAnswer, run_at_once
from .replies import Reply, error, ok

__all__ = [
    "ChannelProcess",
    "ChannelRunner",
    "ProcessServer",
    "ProcessSession",
    "ProcessTopics",
    "RunChannel",
]


class ChannelRunner(Protocol):
    """What runs a channel: it sends what the channel says, and ends it."""

    def push(self, event: str, payload: Any) -> None:
        """Send the client a message."""

    def reply(self, ref: Any, reply: Reply) -> None:
        """Send the client a reply."""

    def call_later(
        self, delay: float, action: Callable[..., object], args: tuple[Any, ...]
    ) -> IDelayedCall:
        """Do something later, unless the channel has ended by then."""

    def stop(self, reason: str) -> None:
        """End in good order, after the message being handled."""

    def crash(self, reason: str) -> None:
        """End as a crash does, at once."""


class RunChannel(Protocol):
    """A user's channel, as its process sees it: told what it is, and then asked."""

    topic: str
    params: Any
    join_ref: Any
    ref: Any
    _process: ChannelRunner

    def join(self, params: Any) -> Any:
        """Decide whether the client may join."""

    def after_join(self) -> None:
        """The reply to the join has been sent."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Handle what the client pushes."""

    def terminate(self, reason: str) -> None:
        """The channel has ended."""


_Channel = TypeVar("_Channel", bound=RunChannel)


class ProcessTopics(Protocol[_Channel]):
    """The server's topics, as its channels' processes see them."""

    def subscribe(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has been joined."""

    def unsubscribe(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has ended."""


class ProcessServer(Protocol[_Channel]):
    """The server, as its channels' processes see it."""

    @property
    def reactor(self) -> IReactorTime:
        """The clock."""

    @property
    def flavour(self) -> Flavour:
        """How the server's Phoenix speaks."""

    @property
    def attendance(self) -> ProcessTopics[_Channel]:
        """The topics."""


class ProcessSession(Protocol[_Channel]):
    """A client's session, as its channels' processes see it: they send by it."""

    @property
    def endpoint(self) -> ProcessServer[_Channel]:
        """The server."""

    @property
    def codec(self) -> ServerCodec:
        """Makes frames of messages, as the client wants them."""

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""

    def send(self, message: Message) -> None:
        """Send a message of a channel."""

    def close(self, code: int) -> None:
        """Close the connection."""

    def send_frame(self, data: bytes, is_binary: bool) -> None:
        """Send a frame that was encoded before."""

    def forget(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has ended."""


class ChannelProcess(Generic[_Channel]):
    """Runs one of the user's channels: its mailbox, its replies and its end.

    :ivar channel: the user's channel.
    :ivar session: the client's session.
    :ivar alive: whether it has been joined and has not ended.
    """

    _log = Logger(observer=package_log)

    def __init__(
        self, channel: _Channel, session: ProcessSession[_Channel], message: Message
    ) -> None:
        self.channel = channel
        self.session = session
        self.alive = False
        self._inbox: deque[Message] = deque()
        self._busy = False
        self._stop_reason: str | None = None
        self._awaited: Deferred[Any] | None = None
        self._calls: dict[IDelayedCall, None] = {}
        channel.topic = message.topic
        channel.params = message.payload
        channel.join_ref = message.join_ref
        channel.ref = message.ref
        channel._process = self

    @property
    def topic(self) -> str:
        """The channel's topic."""
        return self.channel.topic

    def join(self) -> Deferred[Reply]:
        """Ask the channel whether the client may join.

        :return: a Deferred that fires with the reply, and never fails.
        """
        joined = maybeDeferred(self.channel.join, self.channel.params)
        self._awaited = joined
        return joined.addCallbacks(self._join_accepted, self._join_refused)

    def _join_accepted(self, response: Any) -> Reply:
        # By ok() and error(), as handle_in answers; anything else is a response.
        if isinstance(response, Reply):
            return response
        return ok() if response is None else ok(response)

    def _join_refused(self, failure: Failure) -> Reply:
        if isinstance(failure.value, Refused):
            return error(failure.value.response)
        if not self.session.closed:
            self._log_crash("join", failure)
        return error({"reason": "join crashed"})

    def cancel(self) -> None:
        """Wait for nothing any more: neither for the application nor for the time."""
        calls, self._calls = self._calls, {}
        for call in calls:
            if call.active():
                call.cancel()
        if self._awaited is not None:
            self._awaited.cancel()

    def start(self) -> None:
        """The join has been answered: messages may flow."""
        self.alive = True
        self.session.endpoint.attendance.subscribe(self)
        try:
            run_at_once("after_join", self.channel.after_join)
        except Exception:
            self._crashed(Failure())

    def deliver(self, message: Message) -> None:
        """Handle a message of the client, after those before it."""
        self._inbox.append(message)
        if not self._busy:
            self._work()

    def _work(self) -> None:
        while self._inbox and self.alive and not self._busy:
            message = self._inbox.popleft()
            if message.event == PHX_LEAVE:
                self._leave(message)
            else:
                self._handle(message)

    def _handle(self, message: Message) -> None:
        self._busy = True
        channel = self.channel
        channel.ref = message.ref
        handled = maybeDeferred(channel.handle_in, message.event, message.payload)
        self._awaited = handled
        handled.addCallback(self._handled, message.ref)
        handled.addErrback(self._crashed)
        handled.addCallback(self._idle)

    def _handled(self, result: object, ref: Any) -> None:
        if isinstance(result, Reply):
            self.reply(ref, result)
        elif result is not None:
            raise TypeError(
                "handle_in must return None, ok(...), error(...) or reply(...), "
                f"not {result!r}"
            )

    def _idle(self, _: object) -> None:
        self._busy = False
        self._awaited = None
        if self._stop_reason is not None:
            self.stop(self._stop_reason)
        self._work()

    def _leave(self, message: Message) -> None:
        self.reply(message.ref, ok())
        self.end(PHX_CLOSE, {}, "left")

    def push(self, event: str, payload: Any) -> None:
        """Send the client a message."""
        if not self.alive:
            raise RuntimeError(
                f"{self.channel!r} is not joined: push in after_join() or later"
            )
        self._send(None, event, payload)

    def reply(self, ref: Any, reply: Reply) -> None:
        """Send the client a reply; nothing if the channel has ended meanwhile."""
        if self.alive:
            payload = {"status": reply.status, "response": reply.response}
            self._send(ref, PHX_REPLY, payload)

    def stop(self, reason: str) -> None:
        """End in good order, after the message being handled."""
        if self._busy:
            self._stop_reason = reason
        else:
            self.end(PHX_CLOSE, {}, reason)

    def crash(self, reason: str) -> None:
        """End as a crash does, at once."""
        self.end(PHX_ERROR, self.session.endpoint.flavour.crash_payload, reason)

    def _crashed(self, failure: Failure) -> None:
        if self.alive:
            self._log_crash("handle_in", failure)
            self.crash("crashed")

    def call_later(
        self, delay: float, action: Callable[..., object], args: tuple[Any, ...]
    ) -> IDelayedCall:
        """Do something later, unless the channel has ended by then."""

        def run() -> None:
            del self._calls[call]
            try:
                run_at_once("the action of call_later", action, *args)
            except Exception:
                self._crashed(Failure())

        call = self.session.endpoint.reactor.callLater(delay, run)
        self._calls[call] = None
        return call

    def end(self, event: str | None, payload: Mapping[str, Any], reason: str) -> None:
        """End the channel.

        :param event: what the client is sent, if anything, with the channel's join_ref
            for its ref.
        """
        if not self.alive:
            return
        self.alive = False
        self._inbox.clear()
        self.session.endpoint.attendance.unsubscribe(self)
        self.session.forget(self)
        if event is not None:
            try:
                self._send(self.channel.join_ref, event, dict(payload))
            except CodecError as fault:
                # In Phoenix the connection sends it, and crashes.
                self._log.info("{channel}: {error}", channel=self.channel, error=fault)
                self.session.close(INTERNAL_ERROR)
        try:
            run_at_once("terminate", self.channel.terminate, reason)
        except Exception:
            self._log_crash("terminate", Failure())
        self.cancel()

    def _send(self, ref: Any, event: str, payload: Any) -> None:
        channel = self.channel
        message = Message(channel.join_ref, ref, channel.topic, event, payload)
        self.session.send(message)

    def _log_crash(self, where: str, failure: Failure) -> None:
        if failure.check(WrongAnswer):
            self._log.failure(
                "{channel} crashed in {where}",
                failure,
                channel=self.channel,
                where=where,
            )
            return
        # Logged as text: a crash on purpose is no error of the test that provokes it.
        self._log.info(
            "{channel} crashed in {where}: {error}\n{traceback}",
            channel=self.channel,
            where=where,
            error=failure.getErrorMessage(),
            traceback=failure.getTraceback(),
        )
