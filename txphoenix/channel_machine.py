"""How a channel lives: the actions that its table of states names.

This is the inside of :class:`txphoenix.channel.Channel`.
:mod:`txphoenix.channel_states` says which action follows in which state, and each
is one method ``_do_...`` here.
Each action sends first, then fires Deferreds and calls the user's code, which may
call anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from .channel_states import IGNORE, TABLE, Input, State
from .errors import (
    AlreadyJoined,
    BufferFull,
    ChannelClosed,
    JoinError,
    JoinTimeout,
    NotConnected,
    PushError,
    PushInterrupted,
    SerializerError,
)
from .hooks import Hooks, as_deferred, call_hook
from .inbox import Inbox
from .message import Message
from .pending import PendingJoin, PendingLeave, PendingPush
from .pushes import Pushes

if TYPE_CHECKING:
    from .channels import ChannelManager

__all__ = ["ChannelMachine"]

# What the server answers to a push for a topic that it does not hold joined.
_UNMATCHED_TOPIC = {"reason": "unmatched topic"}


class ChannelMachine(Service):
    """A channel without what users call.

    :param topic: the channel's topic.
    :param params: the join's payload, or a callable that makes it.
    :param manager: sends for the channel, and supervises it.
    """

    restart: ClassVar[str] = "transient"

    def __init__(self, topic: str, params: Any, manager: ChannelManager) -> None:
        self.name = topic
        self.topic = topic
        self.params = params
        self.state = State.CLOSED
        self.join_ref: str | None = None
        self._manager = manager
        self._pushes = Pushes(topic, manager)
        # Whether a failed join is tried again rather than being the end.
        self._keeps_trying = False
        self._is_initialised = False
        self._join: PendingJoin | None = None
        self._rejoin_timer: IDelayedCall | None = None
        self._failed_joins = 0
        # When the join or the leave under way was sent.
        self._asked_at = 0.0
        # Counts the joins, so that params which come late find out.
        self._attempt = 0
        # What follows is made at its first use: an idle channel stays small.
        self._inbox: Inbox | None = None
        self._error_hooks: Hooks | None = None
        self._close_hooks: Hooks | None = None
        self._leaves: list[PendingLeave] | None = None
        self._next_joins: list[PendingJoin] | None = None
        self._stop_waiters: list[Deferred[None]] | None = None

    # -- What subclasses override; Channel documents them -------------------------

    def init(self, params: Any) -> Any:
        """Begin anew."""

    def handle_join(self, response: Any) -> Any:
        """Be joined."""

    def handle_close(self, reason: object) -> Any:
        """Be closed."""

    def dispatch(self, message: Message) -> None:
        """Take a message that the server sent to this topic."""
        raise NotImplementedError(f"{type(self).__name__} must take messages")

    def stop(self) -> None:
        """End at once: tell the server, if it is there, and wait for nothing."""
        self._stop("stopped")

    # -- What the manager calls ---------------------------------------------------

    def connection_opened(self) -> None:
        """Join, or join again."""
        self._input(Input.OPEN)

    def connection_lost(self, reason: BaseException) -> None:
        """Wait for the next connection."""
        self._input(Input.LOST, reason)

    def abandoned(self, error: BaseException) -> None:
        """Fail all that waits: there will be no connection until further notice.

        A channel that was joined joins again after a later ``connect()``.
        """
        if not self._keeps_trying:
            self._input(Input.REFUSED, error)
        elif self._join is not None:
            self._join.fail(error)
        for pending in self._pushes.take_kept():
            pending.fail(error)
        if self._inbox is not None:
            self._inbox.interrupt(error)

    def keep_trying(self) -> None:
        """Treat a failed first join as a failed rejoin: try again with backoff."""
        self._keeps_trying = True

    def restart_after(self, error: BaseException) -> None:
        """Begin anew after a crash of a callback: :meth:`init`, then join again."""
        self._is_initialised = False
        self._input(Input.RETRY, error, 0.0)

    def stop_after(self, error: BaseException) -> None:
        """End for good after a crash of a callback."""
        self._stop(error)

    def report_error(self, error: BaseException) -> None:
        """Tell the hooks of :meth:`on_error`."""
        if self._error_hooks is not None:
            self._error_hooks.call(error)

    def stopService(self) -> None:
        """End at once, with the service this channel belongs to."""
        super().stopService()
        self.stop()

    # -- What pending replies call ------------------------------------------------

    def join_answered(self, status: str, response: Any) -> None:
        """Take the reply to the join."""
        self._manager.proved_stable()
        if status == "ok":
            self._input(Input.OK, response)
        else:
            self._join_failed(JoinError(response, self.topic))

    def join_expired(self, pending: PendingJoin) -> None:
        """Give up a join that was not answered in time."""
        error = JoinTimeout(pending.timeout, self.topic)
        if pending is not self._join:
            pending.fail(error)
            return
        # The server may have joined us all the same.
        self._tell_leave()
        self._join_failed(error)

    def join_cancelled(self, pending: PendingJoin) -> None:
        """Leave, because the join's Deferred was cancelled."""
        if pending is self._join:
            self._stop("left")

    def leave_answered(self) -> None:
        """Be closed: the server has answered the leave."""
        manager = self._manager
        manager.leave_answered(self, manager.clock.seconds() - self._asked_at)
        self._input(Input.LEFT, "left")

    def leave_expired(self) -> None:
        """Be closed: the server had its time to answer the leave."""
        self._input(Input.LEFT, "left")

    def forget_push(self, pending: PendingPush) -> None:
        """Take a push out of the tables."""
        self._pushes.forget(pending)

    def reply_without_join_ref(self, error: PushError) -> None:
        """See whether the server does not hold the channel joined.

        It says so in the reply to a push, and only there: we believed to be joined
        and are not, which is as good as a crash.
        """
        if error.response == _UNMATCHED_TOPIC:
            self._channel_error(error)

    # -- The messages of the protocol ---------------------------------------------

    def _receive_reply(self, message: Message) -> None:
        self._pushes.answered(message)

    def _receive_error(self, message: Message) -> None:
        self._channel_error(ChannelClosed(message.payload, self.topic))

    def _receive_close(self, _message: Message) -> None:
        if self.restart == "permanent" and self.state is State.JOINED:
            self._input(Input.RETRY, ChannelClosed("closed", self.topic))
        else:
            self._input(Input.CLOSE, "closed")

    def _channel_error(self, error: PushError | ChannelClosed) -> None:
        if self.state is State.JOINING:
            self._join_failed(JoinError(getattr(error, "response", None), self.topic))
        else:
            self._input(Input.RETRY, error)

    # -- The machine --------------------------------------------------------------

    def _input(self, given: Input, *args: Any) -> None:
        old = self.state
        new, action = TABLE[old, given]
        if new is not old:
            self.state = new
            self._manager.state_changed(self, old, new)
        if action is not IGNORE:
            getattr(self, "_do_" + action)(*args)

    def _do_begin_join(self, pending: PendingJoin) -> None:
        manager = self._manager
        self._join = pending
        if self._inbox is not None:
            self._inbox.open()
        manager.deadlines.set(pending, pending.timeout)
        manager.register(self)
        if manager.is_open:
            self._input(Input.OPEN)

    def _do_refuse_second_join(self, pending: PendingJoin) -> None:
        pending.fail(AlreadyJoined(self))

    def _do_join_after_leave(self, pending: PendingJoin) -> None:
        self._manager.deadlines.set(pending, pending.timeout)
        self._next_joins = [*(self._next_joins or ()), pending]

    def _do_send_join(self) -> None:
        self._cancel_rejoin()
        self._attempt += 1
        params = self.params
        if callable(params):
            try:
                params = params()
                later = as_deferred(params)
            except Exception as error:
                self._join_failed(error)
                return
            if later is not None:
                attempt = self._attempt
                later.addCallbacks(
                    self._join_with,
                    lambda failure: self._params_failed(failure.value, attempt),
                    callbackArgs=(attempt,),
                )
                return
        self._join_with(params, self._attempt)

    def _do_enter(self, response: Any) -> None:
        manager = self._manager
        manager.joined(self, response, manager.clock.seconds() - self._asked_at)
        pending = self._join
        self._keeps_trying = True
        self._failed_joins = 0
        self._pushes.write_kept(self.join_ref)
        if not self._run(self.handle_join, response):
            # The join of the restart takes the Deferred over.
            return
        if pending is not None:
            if self._join is pending:
                self._join = None
            pending.succeed(response)

    def _do_plan_rejoin(self, error: BaseException, delay: float | None = None) -> None:
        interrupted = self._forget_server()
        if delay is None:
            delay = self._manager.rejoin_delay(self._failed_joins)
            self._failed_joins += 1
        if self._manager.is_open:
            if delay > 0:
                self._rejoin_timer = self._manager.clock.callLater(
                    delay, self._rejoin_due
                )
            else:
                self._input(Input.OPEN)
        self._interrupt(interrupted, error)

    def _do_wait_for_connection(self, reason: BaseException) -> None:
        self._interrupt(self._forget_server(), reason)

    def _do_send_leave(self, seconds: float) -> None:
        manager = self._manager
        join_ref = self.join_ref
        join, self._join = self._join, None
        pushes = [*self._pushes.take_sent(), *self._pushes.take_kept()]
        if join_ref is None or not manager.is_open:
            self._input(Input.LEFT)
        else:
            ref = manager.next_ref()
            manager.send(Message.leave(self.topic, ref, join_ref))
            self._asked_at = manager.clock.seconds()
            # The first of them speaks for all.
            leave = self._leaves[0] if self._leaves else PendingLeave(self)
            self._pushes.expect(ref, leave, seconds)
        closed = ChannelClosed("left", self.topic)
        if join is not None:
            join.fail(closed)
        for pending in pushes:
            pending.fail(closed)

    def _do_answer_leaves(self, *_args: Any) -> None:
        leaves, self._leaves = self._leaves, None
        for leave in leaves or ():
            leave.succeed(None)

    def _do_finish_leave(self, *_args: Any) -> None:
        self._do_end("left")

    def _do_end(self, reason: object) -> None:
        self._cancel_rejoin()
        self.join_ref = None
        self._keeps_trying = self._is_initialised = False
        self._failed_joins = 0
        join, self._join = self._join, None
        pushes = [*self._pushes.take_sent(), *self._pushes.take_kept()]
        next_joins, self._next_joins = self._next_joins, None
        stop_waiters, self._stop_waiters = self._stop_waiters, None
        self._manager.unregister(self)
        self._manager.left(self, reason)
        closed = ChannelClosed(reason, self.topic)
        error = reason if isinstance(reason, BaseException) else None
        if self._inbox is not None:
            self._inbox.close(closed)
        # The end is not supervised: there is nothing left to restart.
        call_hook(self.handle_close, reason)
        if self._close_hooks is not None:
            self._close_hooks.call(reason)
        if join is not None:
            join.fail(error or closed)
        for pending in pushes:
            pending.fail(closed)
        self._do_answer_leaves()
        for waiting in stop_waiters or ():
            if error is None:
                waiting.callback(None)
            else:
                waiting.errback(error)
        for next_join in next_joins or ():
            if next_join.deferred is not None:
                self._begin(next_join)

    # -- Parts of the actions -----------------------------------------------------

    def _begin(self, pending: PendingJoin) -> None:
        # Another object may hold the topic; then it is the one to answer.
        holder = self._manager.routes.get(self.topic, pending.channel)
        holder._input(Input.JOIN, pending)

    def _join_with(self, params: Any, attempt: int) -> None:
        manager = self._manager
        if attempt != self._attempt or self.state is not State.JOINING:
            return
        if not self._is_initialised:
            self._is_initialised = True
            if not self._run(self.init, params):
                return
        # The callback may have left, or have lost us the connection.
        if self.state is not State.JOINING or not manager.is_open:
            return
        ref = manager.next_ref()
        try:
            manager.send(Message.join(self.topic, params, ref))
        except SerializerError as error:
            self._join_failed(error)
            return
        self.join_ref = ref
        self._asked_at = manager.clock.seconds()
        pending = self._join
        if pending is None:
            pending = self._join = PendingJoin(self, manager.timeout)
        self._pushes.expect(ref, pending, pending.timeout)

    def _params_failed(self, error: BaseException, attempt: int) -> None:
        if attempt == self._attempt and self.state is State.JOINING:
            self._join_failed(error)

    def _join_failed(self, error: BaseException) -> None:
        self._manager.join_failed(self, error)
        self._input(Input.RETRY if self._keeps_trying else Input.REFUSED, error)

    def _rejoin_due(self) -> None:
        self._rejoin_timer = None
        self._input(Input.OPEN)

    def _cancel_rejoin(self) -> None:
        timer, self._rejoin_timer = self._rejoin_timer, None
        if timer is not None:
            timer.cancel()

    def _crashed_later(self, failure: Failure) -> None:
        self._manager.crashed(self, failure)

    def _stop(self, reason: object) -> None:
        self._tell_leave()
        self._input(Input.STOP, reason)

    def _tell_leave(self) -> None:
        """Have the server forget the channel, without waiting for its answer."""
        manager = self._manager
        join_ref = self.join_ref
        if join_ref is not None and self.state is not State.LEAVING and manager.is_open:
            manager.send(Message.leave(self.topic, manager.next_ref(), join_ref))

    def _forget_server(self) -> list[PendingPush]:
        """Be no longer joined.

        :return: the pushes that will not be answered.
        """
        self._cancel_rejoin()
        self.join_ref = None
        join = self._join
        if join is not None and self._keeps_trying:
            # The next join has a deadline of its own.
            join.unset()
            if join.deferred is None:
                self._join = None
        return self._pushes.take_sent()

    def _interrupt(self, pushes: list[PendingPush], error: BaseException) -> None:
        for pending in pushes:
            pending.fail(PushInterrupted(error, self.topic, pending.event))
        self.report_error(error)

    def _cannot_keep(self, event: str) -> Exception | None:
        if self.state is State.CLOSED or self.state is State.LEAVING:
            return ChannelClosed(f"not joined, but {self.state}", self.topic)
        manager = self._manager
        if not manager.is_wanted:
            return NotConnected(f"{event} cannot be pushed to {self.topic}")
        if self._pushes.kept >= manager.push_buffer:
            return BufferFull(manager.push_buffer, self.topic, event)
        return None

    def _get_inbox(self) -> Inbox:
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = self._manager.make_inbox(self.topic)
            if self.state is State.CLOSED:
                inbox.close(ChannelClosed("not joined", self.topic))
        return inbox

    def _run(self, callback: Callable[..., Any], *args: Any) -> bool:
        """Call a callback of the subclass; an exception is a crash.

        :return: whether it did not crash.
        """
        try:
            result = callback(*args)
            later = None if result is None else as_deferred(result)
        except Exception:
            self._manager.crashed(self, Failure())
            return False
        if later is not None:
            later.addErrback(self._crashed_later)
        return True
