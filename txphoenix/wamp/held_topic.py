"""One topic that the bridge holds: its place on a socket, its joins, and its calls."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from txphoenix import backoff
from txphoenix.errors import ChannelClosed, JoinTimeout, PhoenixError, PushTimeout
from txphoenix.runtime.package_log import package_log

from .bridged_channel import BridgedChannel
from .call_errors import join_answer
from .publisher import Publisher
from .sockets import Socket

__all__ = ["HeldTopic"]

log = Logger("txphoenix.wamp", observer=package_log)

_T = TypeVar("_T")

_delay = backoff.rejoin()


class HeldTopic:
    """A topic from when it is taken until it is dropped.

    Its first join is asked for by :meth:`joined`, and by each call; once it is joined
    the channel joins again by itself, whatever the server does.

    :param params: what the join sends; None for the socket's own.
    :ivar socket: where it has its place.
    :ivar why: the error with which calls fail since it is being dropped; None before.
    """

    def __init__(
        self,
        topic: str,
        params: Any,
        socket: Socket,
        publisher: Publisher,
        clock: IReactorTime,
    ) -> None:
        self.socket = socket
        self.why: Exception | None = None
        self._publisher = publisher
        self._clock = clock
        self._channel = channel = socket.client.channel(topic, params, BridgedChannel)
        channel.publisher = publisher
        channel.watch()
        channel.on_close(self._closed)
        # Who waits for the join under way, or None where there is none.
        self._waiting: list[Deferred[None]] | None = None
        self._was_joined = False
        # What the log was told last of a refused join.
        self._told: str | None = None
        self._attempts = 0
        self._retry: IDelayedCall | None = None
        # What waits for the connection, to join as soon as it is there.
        self._connecting: Deferred[Any] | None = None

    def joined(self) -> Deferred[None]:
        """Join, unless that is done.

        :return: a Deferred that fires when the topic is joined, and fails with the
            error of the join.
            One that was joined counts as that while it is about to join again.
            Cancelling it ends the waiting alone.
        """
        if self.why is not None:
            return fail(self.why)
        if self._channel.state == "closed":
            self._join()
        if self._waiting is None:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    async def push(self, event: str, payload: Any, timeout: float) -> Any:
        """Push, as :meth:`txphoenix.Channel.push` does, after the join."""
        self._hope()
        return await self._call(self._channel.push(event, payload, timeout))

    async def presence(self, timeout: float) -> dict[str, Any]:
        """Who is present, once the server has said it."""
        self._hope()
        channel = self._channel
        state = channel.presence()
        while state is None:
            waiting = channel.when_synced()
            ends = self._clock.callLater(
                timeout,
                _fail,
                waiting,
                PushTimeout(timeout, channel.topic, "presence_state"),
            )
            try:
                await self._call(waiting)
            finally:
                _cancel(ends)
            state = channel.presence()
        return state

    async def leave(self, why: Exception, timeout: float) -> None:
        """Fail all calls, and leave the topic; it raises nothing."""
        self.why = self.why or why
        _cancel(self._retry)
        if self._connecting is not None:
            self._connecting.cancel()
        self._channel.fail_synced(ChannelClosed("left", self._channel.topic))
        # It closes the channel, whether the server answers or not.
        await self._channel.leave(timeout)

    # -- Inside -------------------------------------------------------------------

    def _hope(self) -> None:
        """Try again to join a topic whose join was refused: this call will tell."""
        if self.why is None and self._channel.state == "closed":
            self._join()

    async def _call(self, result: Deferred[_T]) -> _T:
        try:
            return await result
        except PhoenixError:
            if self.why is not None:
                raise self.why from None
            raise

    def _join(self) -> None:
        _cancel(self._retry)
        self._waiting = []
        self._channel.join().addBoth(self._answered)

    def _answered(self, result: Any) -> None:
        waiting, self._waiting = self._waiting or [], None
        if isinstance(result, Failure) and result.value is not None:
            self._tell_refusal(result.value)
            if isinstance(result.value, JoinTimeout) and not result.value.was_sent:
                self._join_when_connected()
            elif self._was_joined:
                # Nobody but this knows that it has to be joined again.
                self._retry_later()
            for deferred in waiting:
                deferred.errback(result.value if self.why is None else self.why)
            return
        self._was_joined = True
        self._attempts = 0
        self._told = None
        for deferred in waiting:
            deferred.callback(None)

    def _join_when_connected(self) -> None:
        if self.why is None and self._connecting is None:
            self._connecting = self.socket.client.when_connected()
            self._connecting.addCallbacks(lambda _: self._hope(), lambda _: None)
            self._connecting.addBoth(self._end_connecting)

    def _end_connecting(self, _result: object) -> None:
        self._connecting = None

    def _closed(self, _reason: object) -> None:
        # By the server, in the midst of a join.
        if self._was_joined and self._waiting is None:
            self._retry_later()

    def _retry_later(self) -> None:
        if self.why is None:
            self._retry = self._clock.callLater(_delay(self._attempts), self._hope)
            self._attempts += 1

    def _tell_refusal(self, error: BaseException) -> None:
        refusal = join_answer(error)
        if self.why is not None or (refusal is None and not _was_asked(error)):
            # Of a lost connection the log has been told.
            return
        text = str(error)
        if text == self._told:
            return
        self._told = text
        topic = self._channel.topic
        self._publisher.repeats.emit(
            log,
            LogLevel.warn,
            "{topic}: the bridge cannot join it, and tries again: {reason}",
            topic=topic,
            reason=text,
        )
        if refusal is None:
            self._publisher.tell(topic, "timeout", text)
        else:
            self._publisher.tell(topic, "join_refused", text, response=refusal.response)


def _was_asked(error: BaseException) -> bool:
    return isinstance(error, JoinTimeout) and error.was_sent


def _fail(waiting: Deferred[None], error: Exception) -> None:
    if not waiting.called:
        waiting.errback(error)


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None:
        with suppress(AlreadyCalled, AlreadyCancelled):
            call.cancel()
