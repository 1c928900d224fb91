"""What a channel does: the actions that its table of states names.

:mod:`txphoenix.channel_states` says which action follows in which state, and each
is one method ``_do_...`` here.
Each action sends first, then fires Deferreds and calls the user's code, which may
call anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .channel_machine import ChannelMachine
from .channel_states import Input, State
from .errors import (
    AlreadyJoined,
    BufferFull,
    ChannelClosed,
    PushInterrupted,
    SerializerError,
)
from .hooks import as_deferred, ask, call_hook
from .inbox import Inbox
from .message import Message
from .package_log import package_log
from .pending import PendingJoin, PendingLeave, PendingPush
from .unavailable import not_joined
from .writers import NOT_YET

__all__ = ["ChannelActions"]

log = Logger(observer=package_log)

# What a callback has come to that failed after it had returned.
_FAILED = object()


class ChannelActions(ChannelMachine):
    """A channel without what users call."""

    def _do_begin_join(self, pending: PendingJoin) -> None:
        manager = self._manager
        self._join = pending
        if self._inbox is not None:
            self._inbox.open()
        pending.is_patient = self._keeps_trying
        manager.register(self)
        if manager.is_open:
            self._input(Input.OPEN)
        else:
            # One that has waited for a leave has used up some of its time.
            pending.run(manager.deadlines)

    def _do_refuse_second_join(self, pending: PendingJoin) -> None:
        pending.fail(AlreadyJoined(self))
        self._manager.writers.check(pending.channel)

    def _do_join_after_leave(self, pending: PendingJoin) -> None:
        self._join_later(pending)

    def _do_send_join(self) -> None:
        manager = self._manager
        self._cancel_rejoin()
        if self._join is None:
            self._join = PendingJoin(self, manager.timeout, is_patient=True)
        manager.joins.enter(self._join)

    def _do_enter(self, pending: PendingJoin, response: Any) -> None:
        manager = self._manager
        attempt = self._attempt
        self._keeps_trying = True
        self._joined_at = manager.elapsed()
        # A connection that is closing keeps them for the next.
        unsent = self.pushes.write_kept(self.join_ref) if manager.is_open else []
        manager.tell_changes()
        # Whoever is asked or told may have ended the join.
        if not self.is_past(attempt):
            manager.joined(self, response, manager.elapsed() - self._asked_at)
        is_over = self.is_past(attempt)
        is_well = is_over or self._run(self.handle_join, response)
        for push, error in unsent:
            push.fail(error)
        if is_over:
            return
        if not is_well:
            # The join of the restart takes the Deferred over, if it can be sent.
            if self._join is pending and not pending.is_queued:
                pending.run(manager.deadlines)
            return
        if self._join is pending:
            self._join = None
        pending.succeed(response)

    def _do_plan_rejoin(self, error: BaseException, delay: float | None = None) -> None:
        manager = self._manager
        interrupted = self._forget_server()
        if delay is None:
            delay = manager.rejoin_delay(self._failed_joins)
            self._rejoin_delay = delay
            self._failed_joins += 1
        if manager.is_open:
            self._rejoin_timer = manager.deadlines.callLater(delay, self._rejoin_due)
        self._interrupt(interrupted, error)

    def _do_wait_for_connection(self, reason: BaseException, was_asked: bool) -> None:
        self._interrupt(self._forget_server(), reason, is_told=not was_asked)

    def _do_send_leave(self, leave: PendingLeave, seconds: float) -> None:
        manager = self._manager
        join_ref = self.join_ref
        waiting = [*self._take_join(), *self.pushes.take_all()]
        if join_ref is None or not manager.is_open:
            self._input(Input.LEFT)
        else:
            self._asked_at = manager.elapsed()
            ref = self._send_leave(join_ref)
            # Whoever encodes it, or is told of it, may have ended the channel.
            if leave in (self._leaves or ()):
                if ref is None:
                    self._input(Input.LEFT)
                else:
                    self.pushes.expect(ref, leave, seconds)
            if self._inbox is not None and self.state is State.LEAVING:
                # The server's answer must not wait for somebody who has left.
                self._inbox.forget_reader()
        if waiting:
            self.pushes.fail(waiting, ChannelClosed("left", self.topic))

    def _do_leave_nothing(self, *_args: Any) -> None:
        leaves = self._take_leaves()
        self.withdraw("left")
        for leave in leaves:
            leave.succeed(None)

    def _do_leave_again(self, *_args: Any) -> None:
        # The leave that is under way answers this one too.
        self.withdraw("left")

    def _do_withdraw(self, reason: object = "stopped", *_args: Any) -> None:
        self.withdraw(reason)

    def _do_finish_leave(self, *_args: Any) -> None:
        self._do_end("left")

    def _do_stop_leaving(self, reason: object, *_args: Any) -> None:
        # Another channel may wait for the topic, and is not the one that stops.
        pending = self._manager.next_joins.take(self)
        self._do_end("left")
        if pending is not None:
            pending.fail(ChannelClosed(reason, self.topic))

    def _do_end(self, reason: object, crash: BaseException | None = None) -> None:
        self._cancel_rejoin()
        self.join_ref = None
        self._attempt += 1
        self._keeps_trying = self._is_initialised = False
        self._failed_joins = 0
        self._joined_at = None
        joins = self._take_join()
        pushes = self.pushes.take_all()
        leaves = self._take_leaves()
        stop_waiters = self._manager.stop_waiters.take(self)
        self._manager.unregister(self)
        self.ended_by = reason
        error = reason if isinstance(reason, BaseException) else None
        if self._presences is not None:
            self._presences.forget()
        self._cancel_asking()
        # Before anybody is told who may have it join again.
        if self._inbox is not None:
            self._inbox.close(ChannelClosed(reason, self.topic))
        self._manager.tell_changes()
        self._manager.left(self, reason)
        self._tell_end(reason, crash)
        if joins or pushes:
            closed = ChannelClosed(reason, self.topic)
            for join in joins:
                join.fail(error or closed)
            self.pushes.fail(pushes, closed)
        for leave in leaves:
            leave.succeed(None)
        self._manager.stop_waiters.tell(stop_waiters, error)
        self._begin_next()

    # -- Parts of the actions -----------------------------------------------------

    def _tell_end(self, reason: object, crash: BaseException | None) -> None:
        # The end is not supervised: there is nothing left to restart.
        call_hook(self.handle_close, reason)
        if crash is not None:
            self.report_error(crash)
        if self._close_hooks is not None:
            self._close_hooks.call(reason)

    def prepare_join(self, pending: PendingJoin) -> None:
        """Ask for the params, and begin; the join's turn has come."""
        self._attempt += 1
        attempt = self._attempt
        if callable(self.params):
            asked: Deferred[Any] = ensureDeferred(ask(self.params))
            # Unless asking was the end of it already.
            if attempt == self._attempt:
                self._asked = asked
            asked.addCallback(self._begin_with, pending, attempt)
            asked.addErrback(self._params_failed, attempt)
        else:
            self._begin_with(self.params, pending, attempt)
        if self._asked is not None and attempt == self._attempt:
            # It is the user's code that takes its time, and others go first.
            pending.run(self._manager.deadlines)

    def send_join(self, pending: PendingJoin) -> None:
        """Send the join, for which everything is there."""
        manager = self._manager
        ref = manager.next_ref()
        message = Message.join(self.topic, pending.params, ref)
        attempt = self._attempt
        try:
            frame = manager.connection.encode(message)
        except SerializerError as error:
            if attempt == self._attempt:
                self._join_failed(error)
            return
        # The codec may be the user's, and have ended the join, or the connection.
        if attempt != self._attempt or not manager.is_open:
            return
        # First, since telemetry is told that it is sent, and may leave.
        self.join_ref = ref
        self._asked_at = manager.elapsed()
        pending.params = None
        self.pushes.expect(ref, pending)
        manager.joins.sent(pending, ref)
        pending.sent(manager.connection.write(message, *frame))

    def _begin_with(self, params: Any, pending: PendingJoin, attempt: int) -> None:
        if attempt == self._attempt and not self._is_initialised:
            begun = self._run(self.init, params)
            if isinstance(begun, Deferred):
                # A loss or an end cancels it; then the next join begins anew.
                self._asked = begun
                begun.addCallback(self._begun, params, pending, attempt)
                return
            if not begun:
                return
        self._join_with(params, pending, attempt)

    def _begun(
        self, result: object, params: Any, pending: PendingJoin, attempt: int
    ) -> None:
        # Without init() there is no join: another begins after what it failed for.
        if result is not _FAILED:
            self._join_with(params, pending, attempt)

    def _join_with(self, params: Any, pending: PendingJoin, attempt: int) -> None:
        # Asking and beginning are the user's code.
        # It may have crashed, or left, or have lost us the connection.
        if attempt != self._attempt:
            return
        self._is_initialised = True
        self._asked = None
        pending.params = params
        if self._manager.is_open:
            self._manager.joins.ready(pending)

    def _params_failed(self, failure: Failure, attempt: int) -> None:
        if attempt == self._attempt:
            self._join_failed(cast(BaseException, failure.value))

    def _rejoin_due(self) -> None:
        self._rejoin_timer = None
        # A connection that is closing is followed by the next, and the join by that.
        if self._manager.is_open:
            self._input(Input.OPEN)

    def _failed_later(self, failure: Failure, attempt: int) -> object:
        # Who cancels what a callback waits for means it to end.
        # But without init() there will be no join.
        if failure.check(CancelledError) and (
            self._is_initialised or self.is_past(attempt)
        ):
            log.debug("{channel!r}: a callback was cancelled", channel=self)
        else:
            self._manager.crashed(self, failure, attempt)
        return _FAILED

    def _interrupt(
        self, pushes: list[PendingPush], error: BaseException, is_told: bool = True
    ) -> None:
        self._cancel_asking()
        for pending in pushes:
            was_sent = not self._manager.connection.withdraw(pending.mark)
            pending.fail(PushInterrupted(error, self.topic, pending.event, was_sent))
        if is_told:
            self.report_error(error)

    def _take_leaves(self) -> list[PendingLeave]:
        leaves, self._leaves = self._leaves, None
        return leaves or []

    def why_not_push(self, event: str = "a message") -> Exception | None:
        """Why a push would be refused now, or None if it would be taken."""
        if self.state is State.CLOSED or self.state is State.LEAVING:
            joins_next = self._manager.next_joins.has(self)
            return not_joined(self.topic, self.state, self.ended_by, joins_next)
        manager = self._manager
        if not manager.is_wanted:
            return manager.not_connected(f"{event} cannot be pushed to {self.topic}")
        if self.state is State.JOINED and manager.is_open:
            if manager.is_writable:
                return None
            limit, buffer = manager.write_buffer, "write_buffer"
        elif self.pushes.kept < manager.push_buffer:
            return None
        else:
            limit, buffer = manager.push_buffer, "push_buffer"
        return BufferFull(limit, self.topic, event, buffer)

    def why_not_send(self) -> Exception | None:
        """Why a push would not be sent now, be it that it would only be kept."""
        if self._manager.next_joins.has(self):
            return NOT_YET
        error = self.why_not_push()
        is_there = self.state is State.JOINED and self._manager.is_open
        return error if error is not None or is_there else NOT_YET

    def _get_inbox(self) -> Inbox:
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = self._manager.make_inbox(self.topic)
            if self.state is State.CLOSED:
                inbox.close(not_joined(self.topic, self.state, self.ended_by))
        return inbox

    def _run(self, callback: Callable[..., Any], *args: Any) -> Deferred[Any] | bool:
        """Call a callback of the subclass; an exception is a crash.

        :return: whether it did not fail; if it is still at work, a Deferred, which
            fires with ``_FAILED`` once it has.
        """
        attempt = self._attempt
        try:
            result = callback(*args)
            later = None if result is None else as_deferred(result)
        # What is no Exception, such as asyncio's CancelledError, is a crash as well.
        except BaseException:
            self._manager.crashed(self, Failure(), attempt)
            return False
        if later is None:
            return True
        return later.addErrback(self._failed_later, attempt)
