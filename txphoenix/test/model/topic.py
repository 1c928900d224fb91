"""One channel as a user sees it: what it was asked for, what it has told and given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txphoenix import Channel, JoinError, Message, NotConnected
from txphoenix.channels.manager import ChannelManager

from .promises import Promise, Promises
from .server import CAST, EXPLODE, HOOKED, ModelServer

__all__ = ["ModelChannel", "ModelCrash", "Topic"]

# What the user knows of a channel -> the states that it may say it is in.
_STATES = {
    "closed": {"closed"},
    "wanted": {"joining", "errored"},
    "joined": {"joined"},
    "leaving": {"leaving"},
}


class ModelCrash(Exception):
    """What hooks and callbacks of the model raise on purpose."""


class Topic:
    """What a user knows of one channel.

    :param name: the topic.
    :ivar phase: ``"closed"``, ``"wanted"`` (it was asked to join, or has told of an
        interruption), ``"joined"`` or ``"leaving"``.
    :ivar has_next: says whether a join waits for the leave under way.
    :ivar troubles: how often it has told of an interruption or of its end.
    :ivar ends: how often it has told of its end.
    :ivar crashes: how often it has raised.
    :ivar was_left: whether the user has left it since it was to join.
    :ivar was_stopped: whether the user has stopped it.
    :ivar raises_at: the callback that is to raise the next time.
    """

    channel: ModelChannel

    def __init__(self, name: str, promises: Promises, server: ModelServer) -> None:
        self.name = name
        self._promises = promises
        self._server = server
        self.phase = "closed"
        self.has_next: Callable[[], bool] = lambda: False
        self.troubles = self.ends = self.crashes = 0
        self.was_left = self.was_stopped = False
        self.raises_at = ""
        self.joined_as: str | None = None
        self._joins_told: set[str] = set()
        # What was heard and read: the latest number of each room's messages.
        self.heard: dict[tuple[int, str], int] = {}
        self.casts: list[int] = []
        self.read: dict[int, int] = {}
        self._skipped = 0
        # Whether somebody reads, for whom nothing may be dropped, and since when.
        self.reader_since: float | None = None
        self._dropped = 0

    def hold(self, promise: Promise, holds: object, what: str) -> None:
        """Take note of a broken promise unless something is so."""
        self._promises.hold(promise, holds, f"{self.name}: {what}")

    # -- What the user asks for ---------------------------------------------------

    def joining(self, is_wanted: bool) -> None:
        """The user calls ``join()``.

        :param is_wanted: whether there is a connection, or will be.
        """
        if self.phase == "closed" and is_wanted:
            self.phase = "wanted"
            self.was_left = self.was_stopped = False
            self.reader_since = None
            self._dropped = -1

    def leaving(self) -> None:
        """The user calls ``leave()``."""
        self.was_left = True
        self.has_next = lambda: False
        self.reader_since = None
        if self.phase != "closed":
            self.phase = "leaving"

    # -- What the channel tells ---------------------------------------------------

    def called(self, name: str) -> None:
        """A callback was called; it may have to raise."""
        if self.raises_at == name:
            self.raises_at = ""
            self.crashes += 1
            raise ModelCrash(name)

    def told_joined(self, response: Any) -> None:
        """It is joined, with what the server has answered."""
        channel = self.channel
        ref = channel.join_ref
        self.hold(Promise.TOLD, self.phase == "wanted", f"joined while {self.phase}")
        self.hold(Promise.TOLD, channel.state == "joined", f"joined, {channel.state}")
        self.hold(Promise.REPLY, response["join_ref"] == ref, "another join's answer")
        self.hold(Promise.TOLD, ref not in self._joins_told, f"join {ref} told twice")
        self._joins_told.add(str(ref))
        self.phase, self.joined_as = "joined", ref
        self.called("handle_join")

    def told_error(self, error: BaseException) -> None:
        """It was interrupted."""
        self.troubles += 1
        if isinstance(error, ModelCrash):
            self.hold(Promise.TOLD, self.crashes, "a crash that was none")
        if self.phase == "joined":
            self.phase = "wanted"

    def told_closed(self, reason: object) -> None:
        """It has ended."""
        self.troubles += 1
        self.ends += 1
        self.hold(Promise.TOLD, self.phase != "closed", f"closed twice ({reason})")
        state = self.channel.state
        self.hold(Promise.TOLD, state == "closed", f"told closed while {state}")
        self.hold(Promise.TOLD, self._may_end(reason), f"ended by {reason!r}")
        self.phase = "wanted" if self.has_next() else "closed"
        self.has_next = lambda: False
        self.was_left = self.was_stopped = False
        self.reader_since = None
        self._dropped = -1

    def _may_end(self, reason: object) -> bool:
        if reason == "left":
            return self.was_left
        if reason == "stopped":
            return self.was_stopped
        if reason == "closed":
            return (self.name, "stopped") in self._server.ended
        if isinstance(reason, ModelCrash):
            return self.crashes > 0
        return isinstance(reason, JoinError | NotConnected)

    # -- What the channel gives ---------------------------------------------------

    def hear(self, event: str, payload: Any) -> None:
        """Take a room's message, as a hook is given it."""
        self.hold(Promise.IN_ORDER, self.phase != "closed", "heard while closed")
        number = payload["n"]
        if event == CAST:
            latest = self.casts[-1] if self.casts else 0
            self.hold(
                Promise.IN_ORDER, number > latest, f"cast {number} after {latest}"
            )
            self.casts.append(number)
        else:
            key = payload["room"], event
            latest = self.heard.get(key, 0)
            self.hold(
                Promise.IN_ORDER,
                payload["join_ref"] == self.channel.join_ref,
                f"a message of join {payload['join_ref']} in {self.channel.join_ref}",
            )
            self.hold(
                Promise.IN_ORDER,
                number == latest + 1,
                f"message {number} of room {key[0]} after {latest}",
            )
            self.heard[key] = number
        self.called("hook")

    def take(self, message: Message) -> None:
        """Take a message, as ``receive()`` gives it."""
        room, number = message.payload["room"], message.payload["n"]
        latest = self.read.get(room, 0)
        self.hold(Promise.IN_ORDER, number > latest, f"read {number} after {latest}")
        self.read[room] = number
        self._skipped += number - latest - 1
        dropped = self.channel.dropped_messages
        self.hold(
            Promise.NOTHING_LOST,
            self._skipped <= dropped,
            f"{self._skipped} messages are missing, {dropped} were dropped",
        )

    def reads(self, now: float) -> None:
        """The user calls ``receive()``."""
        self._dropped = self.channel.dropped_messages
        if self.phase == "joined":
            self.reader_since = now

    # -- What must be so after each step -------------------------------------------

    def check(self, now: float, patience: float) -> None:
        """What is told is so, and nothing is dropped for which somebody waits.

        :param patience: for how many seconds a reader who takes nothing is waited for.
        """
        state = str(self.channel.state)
        self.hold(
            Promise.TOLD,
            state in _STATES[self.phase],
            f"the user knows that it is {self.phase}, and it says {state}",
        )
        if self.phase == "joined":
            self.hold(
                Promise.TOLD,
                self.channel.join_ref == self.joined_as,
                f"joined as {self.joined_as}, and it says {self.channel.join_ref}",
            )
        dropped = self.channel.dropped_messages
        since = self.reader_since
        if since is not None and now - since < patience and self._dropped >= 0:
            self.hold(
                Promise.NOTHING_LOST,
                dropped == self._dropped,
                f"{dropped - self._dropped} messages dropped for which somebody waits",
            )


class ModelChannel(Channel):
    """A channel that tells its :class:`Topic` all that it is told."""

    def __init__(
        self, topic: str, params: Any, manager: ChannelManager, view: Topic
    ) -> None:
        super().__init__(topic, params, manager)
        self.view = view
        self.on(HOOKED, lambda payload: view.hear(HOOKED, payload))
        self.on(CAST, lambda payload: view.hear(CAST, payload))
        self.on_error(view.told_error)

    def init(self, params: Any) -> Any:
        """Begin anew."""
        self.view.called("init")

    def handle_join(self, response: Any) -> Any:
        """Be joined."""
        self.view.told_joined(response)

    def handle_message(self, message: Message) -> Any:
        """Raise, if the room wants it; or else keep it for ``receive()``."""
        if message.event == EXPLODE:
            self.view.crashes += 1
            raise ModelCrash(EXPLODE)
        return super().handle_message(message)

    def handle_close(self, reason: object) -> Any:
        """Be closed."""
        self.view.told_closed(reason)
