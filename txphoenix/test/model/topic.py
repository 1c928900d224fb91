"""One channel as a user sees it: what it was asked for, what it has told and given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from txphoenix import Channel, JoinError, Message, NotConnected
from txphoenix.channels.manager import ChannelManager

from .promises import Promise, Promises
from .server import CAST, EXPLODE, HOOKED, ModelServer

__all__ = ["ModelChannel", "ModelCrash", "Topic", "said_in"]

# What the user knows of a channel -> the states that it may say it is in.
_STATES = {
    "closed": {"closed"},
    "wanted": {"joining", "errored"},
    "joined": {"joined"},
    "leaving": {"leaving"},
}


class ModelCrash(Exception):
    """What hooks and callbacks of the model raise on purpose."""


def said_in(payload: Any) -> Any:
    """What a room has said, be it in a binary message."""
    return json.loads(payload) if isinstance(payload, bytes) else payload


class Topic:
    """What a user knows of one channel.

    :param name: the topic.
    :ivar phase: ``"closed"``, ``"wanted"`` (it was asked to join, or has told of an
        interruption), ``"joined"`` or ``"leaving"``.
    :ivar has_next: says whether a join waits for the leave under way.
    :ivar troubles: how often it has told of an interruption or of its end.
    :ivar ends: how often it has told of its end.
    :ivar ends_hooked: how often it has called the hook for that.
    :ivar crashes: how often it has raised.
    :ivar was_left: whether the user has left it since it was to join.
    :ivar was_stopped: whether the user has stopped it.
    :ivar is_patient: whether it was started, and nobody waits for its join.
    :ivar raises_at: the callback that is to raise the next time.
    """

    channel: ModelChannel

    def __init__(self, name: str, promises: Promises, server: ModelServer) -> None:
        self.name = name
        self._promises = promises
        self._server = server
        self.phase = "closed"
        self.has_next: Callable[[], bool] = lambda: False
        self.troubles = self.ends = self.ends_hooked = self.crashes = 0
        self._troubles_before = 0
        self.was_left = self.was_stopped = self.is_patient = False
        self.raises_at = ""
        self.joined_as: str | None = None
        self._joins_told: set[str] = set()
        # What was heard and read: the latest number of each room's messages.
        self.heard: dict[tuple[int, str], int] = {}
        self.casts: list[int] = []
        self.read: dict[int, int] = {}
        # How many messages the hooks after the first were due to hear, and have heard.
        self._due = self._overheard = 0
        self._latest: Any = None
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
            self.tries_anew()
            self.was_left = self.was_stopped = self.is_patient = False
            self.reader_since = None
            self._dropped = -1

    def tries_anew(self) -> None:
        """From now on it joins, and nothing has failed so far."""
        self._troubles_before = self.troubles

    @property
    def is_undisturbed(self) -> bool:
        """Whether it is joined, or will be by the first join that is tried."""
        is_first = self.troubles == self._troubles_before
        return self.phase == "joined" or (self.phase == "wanted" and is_first)

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

    def hooked_closed(self, reason: object) -> None:
        """Its hook for the end was called."""
        self.ends_hooked += 1
        is_first = self.ends_hooked == self.ends
        self.hold(Promise.TOLD, is_first, f"on_close({reason!r}) without an end")

    def _may_end(self, reason: object) -> bool:
        if reason == "left":
            return self.was_left
        if reason == "stopped":
            return self.was_stopped
        if reason == "closed":
            return (self.name, "stopped") in self._server.ended
        if isinstance(reason, ModelCrash):
            return self.crashes > 0
        # A join that is tried until it succeeds fails as seldom as a rejoin.
        return not self.is_patient and isinstance(reason, JoinError | NotConnected)

    # -- What the channel gives ---------------------------------------------------

    def hear(self, event: str, payload: Any) -> None:
        """Take a room's message, as a hook is given it."""
        self.hold(Promise.IN_ORDER, self.phase != "closed", "heard while closed")
        self._due += event == HOOKED and self.channel.is_overheard
        self._latest, payload = payload, said_in(payload)
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

    def overhear(self, payload: Any) -> None:
        """Take it, as the next hook is given it."""
        self._overheard += 1
        is_same = payload is self._latest and self._overheard == self._due
        what = f"the second hook was given {payload!r} after {self._latest!r}"
        self.hold(Promise.IN_ORDER, is_same, what)

    def take(self, message: Message) -> None:
        """Take a message, as ``receive()`` gives it."""
        payload = said_in(message.payload)
        room, number = payload["room"], payload["n"]
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
        missed = self._due - self._overheard
        self.hold(Promise.NOTHING_LOST, not missed, f"a hook has missed {missed}")
        is_hooked = self.ends_hooked == self.ends
        self.hold(Promise.TOLD, is_hooked, "on_close() was not called at its end")
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
        self.on_close(view.hooked_closed)
        self._remove: Callable[[], None] | None = None

    @property
    def is_overheard(self) -> bool:
        """Whether there is a second hook."""
        return self._remove is not None

    def overhear(self, is_overheard: bool) -> None:
        """Have a second hook for what a room says to it alone, or no more."""
        if is_overheard and self._remove is None:
            self._remove = self.on(HOOKED, self.view.overhear)
        elif not is_overheard and self._remove is not None:
            remove, self._remove = self._remove, None
            remove()

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
