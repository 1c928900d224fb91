"""What happens to a channel, and who tells it.

A channel is told by its manager, by the replies it waits for and by the server, and
each of these is an input to the table of :mod:`txphoenix.channel_states`.
The actions that the table names are in :mod:`txphoenix.channel_actions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from .channel_states import IGNORE, TABLE, Input, State
from .deadlines import DelayedCall
from .errors import (
    UNWRITTEN,
    AlreadyJoined,
    ChannelClosed,
    ConfigurationError,
    JoinError,
    JoinTimeout,
    NotConnected,
    PushError,
    PushTimeout,
    SerializerError,
)
from .hooks import NO_EVENT_HOOKS, Hooks, call_hook
from .inbox import Inbox
from .lasting import has_lasted
from .message import Message
from .package_log import package_log
from .pending import PendingJoin, PendingLeave, PendingPush, PendingReply
from .presence_history import PresenceHistory
from .pushes import Pushes

if TYPE_CHECKING:
    from .channels import ChannelManager

__all__ = ["ChannelMachine"]

log = Logger(observer=package_log)

# What the server answers to a push for a topic that it does not hold joined.
_UNMATCHED_TOPIC = {"reason": "unmatched topic"}


class ChannelMachine(Service):
    """A channel, but for what it does and for what users call.

    :param topic: the channel's topic.
    :param params: the join's payload, or a callable that makes it.
    :param manager: sends for the channel, and supervises it.
    """

    restart: ClassVar[str] = "transient"

    def __init__(
        self, topic: str, params: Any = None, manager: ChannelManager | None = None
    ) -> None:
        if manager is None:
            kind = type(self).__name__
            raise ConfigurationError(
                f"a channel is made by client.channel(topic, params, {kind}), which"
                f" hands over its client: not by {kind}() itself"
            )
        # Service sets these two later, and a later attribute would cost each channel a
        # dict of its own.
        self.running = 0
        self.name = topic
        self.topic = topic
        self.params = params
        self.state = State.CLOSED
        self.join_ref: str | None = None
        self._manager = manager
        self.pushes = Pushes(topic, manager)
        self.event_hooks = NO_EVENT_HOOKS
        # Whether a failed join is tried again rather than being the end.
        self._keeps_trying = False
        self._is_initialised = False
        self._join: PendingJoin | None = None
        self._rejoin_timer: DelayedCall | None = None
        self._failed_joins = 0
        # The delay that led to the latest join, and since when the channel is joined.
        self._rejoin_delay = 0.0
        self._joined_at: float | None = None
        # When the join or the leave under way was sent.
        self._asked_at = 0.0
        # Counts the joins and their ends, so that what began in one and comes later
        # finds out: params, and failures of callbacks.
        self._attempt = 0
        self._asked: Deferred[None] | None = None
        # What follows is made at its first use: an idle channel stays small.
        self._inbox: Inbox | None = None
        self._presences: PresenceHistory | None = None
        self._error_hooks: Hooks | None = None
        self._close_hooks: Hooks | None = None
        self._leaves: list[PendingLeave] | None = None
        self.ended_by: object = None
        """What has ended the last life of the channel, for who wonders."""
        self.stop_waiters: dict[Deferred[None], None] | None = None

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
        # Whoever was told before may have called join(), which is under way then.
        if self.join_ref is None and self._asked is None:
            self._input(Input.OPEN)

    def connection_lost(self, reason: BaseException, was_asked: bool) -> None:
        """Wait for the next connection.

        :param was_asked: whether the user has closed this one, which is no error.
        """
        if self.state is State.JOINING and self.join_ref is None:
            # The join was never sent: it has lost nothing.
            self._forget_server()
            self._cancel_asking()
        else:
            self._input(Input.LOST, reason, was_asked)

    def abandoned(self, error: BaseException) -> None:
        """Fail all that waits: there will be no connection until further notice.

        A channel that was joined joins again after a later ``connect()``.
        """
        waiting: list[PendingReply] = [*self.pushes.take_kept()]
        if self._keeps_trying:
            waiting = [*self._take_join(), *waiting]
        else:
            self._input(Input.REFUSED, error)
        self.pushes.fail(waiting, error)
        if self._inbox is not None:
            self._inbox.interrupt(error)

    def send_kept(self) -> None:
        """Send pushes that were kept, now that the connection takes more."""
        if self.state is State.JOINED:
            for pending, error in self.pushes.write_kept(self.join_ref):
                pending.fail(error)

    @property
    def is_join_waiting(self) -> bool:
        """Whether the channel joins on this connection, and has not sent that yet."""
        join = self._join
        return join is not None and join.is_queued and self.join_ref is None

    def keep_trying(self) -> None:
        """Treat a failed first join as a failed rejoin: try again with backoff."""
        self._keeps_trying = True

    def is_past(self, attempt: int) -> bool:
        """Whether what began in an attempt to join does not concern the present one.

        :param attempt: what the number of the attempt was.
        """
        return attempt != self._attempt or self.state is State.LEAVING

    def restart_after(self, error: BaseException) -> None:
        """Begin anew after a crash of a callback: :meth:`init`, then join again."""
        was_sent = self.join_ref is not None
        self._is_initialised = False
        if self.state is State.ERRORED:
            # It begins anew with the next join, which is on its way.
            self.report_error(error)
            return
        # The crash is ours, and the server has not noticed.
        self._tell_leave()
        self._input(Input.RETRY, error, 0.0)
        # At once, for more messages may be waiting.
        # But one that crashed in init() may do so again, and again.
        is_planned = self._rejoin_timer is not None and self._manager.is_open
        if was_sent and is_planned:
            self._input(Input.OPEN)

    def withdraw(self, reason: object) -> None:
        """Wait no more to join once the topic has been left.

        Where this channel waits for another one, that was all there was of it.

        :param reason: what its :meth:`on_close` would be told.
        """
        manager = self._manager
        pending = manager.next_joins.take(self)
        if pending is None:
            return
        is_all = self.state is State.CLOSED
        stop_waiters = manager.stop_waiters.take(self) if is_all else ()
        error = reason if isinstance(reason, BaseException) else None
        pending.fail(error or ChannelClosed(reason, self.topic))
        manager.stop_waiters.tell(stop_waiters, error)
        manager.writers.check(self)

    def stop_after(self, error: BaseException) -> None:
        """End for good after a crash of a callback."""
        self._tell_leave()
        self._input(Input.STOP, error, error)

    def resize_inbox(self, limit: int) -> None:
        """Keep another number of messages for ``receive()``."""
        if self._inbox is not None:
            self._inbox.resize(limit)

    def report_error(self, error: BaseException) -> None:
        """Tell the hooks of :meth:`on_error`."""
        if self._error_hooks is not None:
            self._error_hooks.call(error)

    def stopService(self) -> None:
        """End at once, with the service this channel belongs to."""
        super().stopService()
        # A channel that has ended by itself is taken out of its service, too.
        if self.state is not State.CLOSED:
            self.stop()

    # -- What pending replies call ------------------------------------------------

    def prepare_join(self, pending: PendingJoin) -> None:
        """Have the join's turn: ask for what it sends."""
        raise NotImplementedError(f"{type(self).__name__} must prepare its join")

    def send_join(self, pending: PendingJoin) -> None:
        """Send the join that was prepared."""
        raise NotImplementedError(f"{type(self).__name__} must send its join")

    def join_answered(self, pending: PendingJoin, status: str, response: Any) -> None:
        """Take the reply to the join."""
        self._manager.joins.answered(pending)
        if status == "ok":
            self._input(Input.OK, pending, response)
        else:
            self._join_failed(JoinError(response, self.topic))

    def join_expired(self, pending: PendingJoin) -> None:
        """Give up a join that was not answered in time, or go on waiting for it."""
        if self._manager.joins.keeps(pending):
            return
        obstacle: BaseException | str | None = None
        if pending is not self._join:
            obstacle = "the topic is still being left"
        elif self._asked is not None:
            obstacle = "waiting for its params or init()"
        elif not pending.was_sent:
            obstacle = self._manager.obstacle
        elif self.join_ref is not None and self._manager.connection.withdraw(
            pending.mark
        ):
            self.join_ref = None
            pending.withdrawn()
            obstacle = None if pending.was_sent else UNWRITTEN
        error = JoinTimeout(pending.timeout, self.topic, obstacle)
        if pending is not self._join:
            self.withdraw(error)
            return
        # The server may have joined us all the same.
        self._tell_leave()
        self._join_failed(error)

    def join_cancelled(self, pending: PendingJoin) -> None:
        """Leave, because the join's Deferred was cancelled."""
        if pending is self._join:
            self._stop("left")
        else:
            self.withdraw("left")

    def leave_answered(self) -> None:
        """Be closed: the server has answered the leave."""
        manager = self._manager
        manager.leave_answered(self, manager.elapsed() - self._asked_at)
        manager.joins.server_answered(self.join_ref)
        self._input(Input.LEFT, "left")

    def leave_expired(self) -> None:
        """Be closed: the server had its time to answer the leave."""
        self._input(Input.LEFT, "left")

    def push_expired(self, pending: PendingPush) -> None:
        """Give up a push that was not answered, or not even sent, in time."""
        obstacle: BaseException | str | None = None
        if pending.ref is None:
            obstacle = self._manager.obstacle
        elif self._manager.connection.withdraw(pending.mark):
            obstacle = UNWRITTEN
        self.pushes.forget(pending)
        pending.fail(PushTimeout(pending.timeout, self.topic, pending.event, obstacle))

    def push_dropped(self, pending: PendingPush, error: BaseException) -> None:
        """Have the log tell of a push that nobody waits for, and that was not sent."""
        self._manager.dropped.add(self.topic, pending.event, error)

    def forget_push(self, pending: PendingPush) -> None:
        """Take a push out of the tables, and out of what waits to be written."""
        self.pushes.forget(pending)
        if pending.ref is not None:
            self._manager.connection.withdraw(pending.mark)

    def reply_without_join_ref(self, error: PushError) -> None:
        """See whether the server does not hold the channel joined.

        It says so in the reply to a push, and only there: we believed to be joined
        and are not, which is as good as a crash.
        """
        if error.response == _UNMATCHED_TOPIC:
            self._input(Input.RETRY, error)

    # -- The messages of the protocol ---------------------------------------------

    def _receive_reply(self, message: Message) -> None:
        pending = self.pushes.take(message.ref)
        if pending is not None:
            pending.answered(message.payload, message.join_ref)
        else:
            # To a join that was given up, it may be.
            self._manager.joins.server_answered(message.ref)

    def _receive_error(self, message: Message) -> None:
        if self._is_of_earlier_join(message):
            return
        if self.state is State.JOINING:
            self._join_was_reached()
            self._join_failed(JoinError(message.payload, self.topic))
        elif self.state is not State.ERRORED:
            self._input(Input.RETRY, ChannelClosed(message.payload, self.topic))

    def _receive_close(self, message: Message) -> None:
        if self._is_of_earlier_join(message):
            return
        if self.restart == "permanent" and self.state is State.JOINED:
            self._input(Input.RETRY, ChannelClosed("closed", self.topic))
        else:
            self._join_was_reached()
            self._input(Input.CLOSE, "closed")

    def _is_of_earlier_join(self, message: Message) -> bool:
        # Version 1 of the wire format has no join_ref, but these two repeat it as ref.
        ref = message.ref
        is_stale = message.join_ref is None and ref is not None and ref != self.join_ref
        if is_stale:
            self._manager.count_stale(message)
        return is_stale

    # -- The machine --------------------------------------------------------------

    def _input(self, given: Input, *args: Any) -> None:
        old = self.state
        new, action = TABLE[old, given]
        if new is not old:
            self.state = new
            self._manager.state_changed(self, old, new)
        if action is not IGNORE:
            getattr(self, "_do_" + action)(*args)
        if new is not old or given is Input.RETRY:
            self._manager.check_settled(self)

    # -- Parts of what happens ----------------------------------------------------

    def _begin(self, pending: PendingJoin) -> None:
        manager = self._manager
        if self.topic not in manager.routes and self.topic in manager.next_joins:
            # The one that held the topic has just ended, and these come before.
            self._join_later(pending)
        else:
            self._join_now(pending)

    def _join_now(self, pending: PendingJoin) -> None:
        # Another object may hold the topic; then it is the one to answer.
        holder = self._manager.routes.get(self.topic, pending.channel)
        holder._input(Input.JOIN, pending)

    def _join_later(self, pending: PendingJoin) -> None:
        manager = self._manager
        if not manager.next_joins.add(pending):
            pending.fail(AlreadyJoined(pending.channel))
        else:
            pending.run(manager.deadlines)

    def _begin_next(self) -> None:
        """Begin the joins that have waited for the topic to be left.

        The first has it; the others are refused, or wait again if it is left at once.
        """
        manager = self._manager
        while True:
            holder = manager.routes.get(self.topic)
            if holder is not None and holder.state is State.LEAVING:
                return
            pending = manager.next_joins.pop(self.topic)
            if pending is None:
                return
            self._join_now(pending)

    def _join_was_reached(self) -> None:
        """Take note that the server has come to the join, whatever has become of it."""
        if self._join is not None:
            self._manager.joins.answered(self._join)

    def _join_failed(self, error: BaseException) -> None:
        is_awaited = self._join is not None and self._join.deferred is not None
        self._manager.join_failed(self, error, is_awaited)
        if not self._keeps_trying:
            self._input(Input.REFUSED, error)
            return
        joins = self._take_join()
        self._input(Input.RETRY, error)
        for join in joins:
            join.fail(error)

    def _stop(self, reason: object) -> None:
        self._tell_leave()
        self._input(Input.STOP, reason)

    def _tell_leave(self) -> None:
        """Have the server forget the channel, without waiting for its answer."""
        manager = self._manager
        join_ref = self.join_ref
        if join_ref is not None and self.state is not State.LEAVING and manager.is_open:
            self._send_leave(join_ref)

    def _send_leave(self, join_ref: str) -> str | None:
        """Tell the server that a join is over, as far as the user's codec can.

        :return: the ref that the answer will have; None if the server is not told.
        """
        ref = self._manager.next_ref()
        try:
            self._manager.send(Message.leave(self.topic, ref, join_ref))
        except NotConnected:
            # The codec has closed the connection, and the server forgets the join.
            return None
        except SerializerError:
            log.failure("{channel!r}: the server is not told of a leave", channel=self)
            return None
        return ref

    def _cancel_rejoin(self) -> None:
        timer, self._rejoin_timer = self._rejoin_timer, None
        if timer is not None:
            timer.cancel()

    def _cancel_asking(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            # What it waits for is the user's, who may have given it a canceller.
            call_hook(asked.cancel)

    def _forget_server(self) -> list[PendingPush]:
        """Be no longer joined.

        :return: the pushes that will not be answered.
        """
        self._cancel_rejoin()
        was_sent, self.join_ref = self.join_ref is not None, None
        self._attempt += 1
        joined_at, self._joined_at = self._joined_at, None
        if joined_at is not None:
            seconds = self._manager.elapsed() - joined_at
            if has_lasted(seconds, self._rejoin_delay):
                self._failed_joins = 0
        join = self._join
        if join is not None:
            if was_sent and self._manager.connection.withdraw(join.mark):
                join.withdrawn()
            self._manager.joins.remove(join)
            if join.deferred is not None:
                join.run(self._manager.deadlines)
            else:
                # Nobody waits for it, and the next join has a time of its own.
                join.unset()
                self._join = None
        return self.pushes.take_sent()

    def _take_join(self) -> list[PendingReply]:
        join, self._join = self._join, None
        if join is None:
            return []
        self._manager.joins.remove(join)
        return [join]
