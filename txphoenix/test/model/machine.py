"""The rules: what users, servers and networks do, in any order."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from .agreement import check_end, check_kept, check_quiet, is_calm, mend, settle
from .deeds import DEEDS, MEANWHILE, TROUBLES, meanwhile, server_does
from .server import CAST, EXPLODE, HOOKED, QUEUED
from .topic import Topic
from .world import World

__all__ = ["ModelMachine", "machine_for"]

_TOPICS = st.integers(0, 5)
_TIMEOUTS = st.sampled_from((None, None, 0.4, 3.0, 20.0))
_EVENTS = st.sampled_from(
    (
        *("ok", "ok", "ok", "tell", "late"),
        *("never", "refuse", "twice", "slow", "stop", "crash"),
    )
)
_FEW = st.integers(1, 8)
# Most often all is carried over after a step; else some bytes of it, or none.
_THEN = st.sampled_from((-1, -1, -1, 0, 1, 7, 40, 150))
_SECONDS = st.sampled_from((0.1, 0.5, 1.0, 2.6, 5.0, 11.0, 31.0, 45.0))
_OPTIONS = st.fixed_dictionaries(
    {
        "join_window": st.sampled_from((128, 1, 1, 2)),
        "receive_buffer": st.sampled_from((3, 3, 1000)),
        "push_buffer": st.sampled_from((1000, 3)),
        "write_buffer": st.sampled_from((1_000_000, 1_000_000, 400)),
        "heartbeat_timeout": st.sampled_from((10.0, 4.0)),
        "compression": st.booleans(),
        "fast_frames": st.sampled_from((True, True, False)),
        "fast_http": st.sampled_from((True, True, True, False)),
    }
)
_QUESTIONS = st.sampled_from(
    ("ping", "connected", "writable", "stop", "stopped", "settled")
)
# How many bytes still come when a connection breaks: a request, or all that there is.
_LAST_BYTES = st.one_of(st.integers(0, 200), st.sampled_from((500, 10**6)))


class ModelMachine(RuleBasedStateMachine):
    """Real client and real server, and what each step of either leads to.

    :cvar transport: what the client is over.
    :ivar settles: whether all comes to rest before the end.
    """

    transport: ClassVar[str] = "websocket"
    world: World | None = None
    settles = True

    @initialize(
        options=_OPTIONS,
        joined=st.sampled_from((1, 2, 3, 3, 0)),
        listens=st.booleans(),
        settles=st.booleans(),
    )
    def begin(
        self, options: dict[str, Any], joined: int, listens: bool, settles: bool
    ) -> None:
        """A client is started, and some of its channels are joined."""
        self.settles = settles
        self.world = world = World(self.transport, options)
        if listens:
            world.listen()
        if joined:
            world.start()
            world.flush()
        for topic in world.topics[:joined]:
            topic.channel.overhear(listens)
            world.join(topic, None)
        world.flush()

    @property
    def _there(self) -> World:
        assert self.world is not None
        return self.world

    def _topic(self, which: int) -> Topic:
        """A topic, and most often one that is joined."""
        topics = self._there.topics
        joined = [topic for topic in topics if topic.phase == "joined"]
        if which < 2 and not joined:
            self.join_all()
            return topics[which]
        if which < 4 and joined:
            return joined[which % len(joined)]
        return topics[which % len(topics)]

    def _then(self, size: int) -> None:
        """Carry over so many bytes; -1 for all, and then both sides agree."""
        world = self._there
        if size < 0:
            world.flush()
            world.check()
            if is_calm(world):
                check_quiet(world)
        elif size:
            world.server.carry(size)

    # -- The user ------------------------------------------------------------------

    @rule(which=_TOPICS, timeout=_TIMEOUTS, then=_THEN)
    def join(self, which: int, timeout: float | None, then: int) -> None:
        """Join a topic."""
        self._there.join(self._there.topics[which % 3], timeout)
        self._then(then)

    @rule(which=_TOPICS, then=_THEN)
    def start_channel(self, which: int, then: int) -> None:
        """Have a channel join, whether or not there will be a connection."""
        self._there.start_channel(self._there.topics[which % 3])
        self._then(then)

    @rule()
    def join_all(self) -> None:
        """The user wants to be there again, and all is well for a while."""
        mend(self._there)
        self._there.start()
        self._there.advance(10.0)
        for topic in self._there.topics:
            if topic.phase == "closed":
                self._there.join(topic, None)
        self._then(-1)

    @rule(which=_TOPICS, then=_THEN)
    def leave(self, which: int, then: int) -> None:
        """Leave a topic."""
        self._there.leave(self._topic(which))
        self._then(then)

    @rule(
        which=_TOPICS,
        event=_EVENTS,
        timeout=_TIMEOUTS,
        size=st.sampled_from((0, 0, 0, 100, 40_000)),
        is_binary=st.sampled_from((False, False, False, True)),
        then=_THEN,
    )
    def push(
        self,
        which: int,
        event: str,
        timeout: float | None,
        size: int,
        is_binary: bool,
        then: int,
    ) -> None:
        """Push, and wait for the reply."""
        world = self._there
        world.push(self._topic(which), event, timeout, size, is_binary)
        self._then(then)

    @rule(which=_TOPICS, number=_FEW, then=_THEN)
    def push_many(self, which: int, number: int, then: int) -> None:
        """Push several, answered later in another order, or without waiting."""
        world = self._there
        for each in range(number):
            if each % 3 == 2:
                world.push_async(self._topic(which))
            elif each % 4 == 3:
                world.push_raw(self._topic(which))
            else:
                world.push(self._topic(which), "late", None, 0, False)
        self._then(then)

    @rule(place=st.integers(0, 30), then=_THEN)
    def cancel(self, place: int, then: int) -> None:
        """Cancel a Deferred."""
        self._there.cancel(place)
        self._then(then)

    @rule(which=_TOPICS, number=_FEW)
    def read(self, which: int, number: int) -> None:
        """Take some messages of a channel's queue."""
        for _ in range(number):
            if self._there.read(self._topic(which)).fired == []:
                break

    @rule(what=_QUESTIONS, which=_TOPICS)
    def ask(self, what: str, which: int) -> None:
        """Ask for something else."""
        topic = self._topic(which)
        if what == "stop":
            self._there.stop_channel(topic)
        else:
            self._there.ask(what, topic)

    @rule(what=st.sampled_from(("disconnect", "stop", "start", "start")), then=_THEN)
    def go(self, what: str, then: int) -> None:
        """Start, stop, or disconnect."""
        world = self._there
        getattr(world, what)()
        self._then(then)

    @rule(
        options=st.sampled_from(
            (
                {"params": {"n": "1"}},
                {"timeout": 2.0},
                {"heartbeat_interval": 20.0, "heartbeat_timeout": 5.0},
                {"receive_buffer": 2},
                {"join_window": 1},
            )
        ),
        then=_THEN,
    )
    def reconfigure(self, options: dict[str, Any], then: int) -> None:
        """Change options."""
        self._there.reconfigure(**options)
        self._then(then)

    @rule(which=_TOPICS, is_overheard=st.booleans())
    def overhear(self, which: int, is_overheard: bool) -> None:
        """Add another hook, or remove it."""
        self._topic(which).channel.overhear(is_overheard)

    @rule(which=_TOPICS, name=st.sampled_from(("init", "handle_join", "hook", "")))
    def raise_next(self, which: int, name: str) -> None:
        """Have a callback of the user's raise the next time."""
        self._topic(which).raises_at = name

    @rule(holds=st.booleans(), then=_THEN)
    def hold_params(self, holds: bool, then: int) -> None:
        """Have params of joins take their time, or come."""
        world = self._there
        world.holds_params = holds
        if not holds:
            held, world.held_params = world.held_params, []
            for deferred in held:
                if not deferred.called:
                    deferred.callback({"model": True})
        self._then(then)

    # -- The server ----------------------------------------------------------------

    @rule(
        which=_TOPICS,
        event=st.sampled_from((HOOKED, HOOKED, QUEUED, QUEUED, CAST, EXPLODE)),
        number=_FEW,
        is_binary=st.sampled_from((False, False, True)),
        then=_THEN,
    )
    def say(
        self, which: int, event: str, number: int, then: int, is_binary: bool = False
    ) -> None:
        """A room has something to say."""
        world = self._there
        topic = self._topic(which)
        if event == QUEUED and world.transport != "websocket":
            # A session that is not polled ends.
            world.link.disturb()
        room = world.server.room(topic.name)
        if event == EXPLODE and room is not None:
            # What follows is of a join that is over once the client has it.
            room.say(EXPLODE)
            event = HOOKED
        for _ in range(number):
            if event == CAST:
                world.server.cast(topic.name, is_binary)
            elif room is not None:
                room.say(event, is_binary)
        self._then(then)

    @rule(which=_TOPICS, number=_FEW, then=_THEN)
    def fill(self, which: int, number: int, then: int) -> None:
        """Somebody reads more slowly than a room speaks."""
        self.read(which, 1)
        self.say(which, QUEUED, number, 0)
        self.say(which, HOOKED, 1, then)

    @rule(place=st.integers(0, 9), then=_THEN)
    @precondition(lambda self: self.world is not None and self.world.server.late)
    def answer_late(self, place: int, then: int) -> None:
        """A room answers one of the pushes that it has let wait."""
        late = self._there.server.late
        room, ref, number = late.pop(place % len(late))
        room.answer_late(ref, number)
        self._then(then)

    @rule(then=_THEN)
    def go_on(self, then: int) -> None:
        """Busy rooms go on."""
        self._there.server.release_rooms()
        self._then(then)

    @rule(which=_TOPICS, how=st.sampled_from(("crash", "stop")), then=_THEN)
    def end_room(self, which: int, how: str, then: int) -> None:
        """A room crashes, or ends in good order."""
        room = self._there.server.room(self._topic(which).name)
        if room is not None:
            room.crash() if how == "crash" else room.stop()
        self._then(then)

    @rule(deed=st.sampled_from(DEEDS), then=_THEN)
    def server_does(self, deed: str, then: int) -> None:
        """The server, or what is before it, does something to all."""
        server_does(self._there, deed)
        self._then(then)

    @rule(
        trouble=st.sampled_from(TROUBLES),
        deeds=st.lists(
            st.tuples(st.sampled_from(MEANWHILE), st.integers(0, 5)),
            min_size=1,
            max_size=6,
        ),
        seconds=st.sampled_from((0.0, 0.4, 3.0, 50.0)),
        mends=st.booleans(),
    )
    def meanwhile(
        self, trouble: str, deeds: list[tuple[str, int]], seconds: float, mends: bool
    ) -> None:
        """A user goes on while something is in the way."""
        meanwhile(self._there, trouble, deeds)
        # By which way one comes back from so long a trouble is a matter of chance.
        self._there.advance(min(seconds, 3.0 if self.transport == "fallback" else 50.0))
        # Before all is mended: a dead peer must have been found.
        self._there.check()
        if mends:
            mend(self._there)
        self._then(-1 if mends else 0)

    # -- The network and the time ---------------------------------------------------

    @rule(
        to_client=_LAST_BYTES,
        to_server=_LAST_BYTES,
        how=st.sampled_from(("reset", "end", "server")),
        only=st.sampled_from((None, None, 0, -1)),
        then=_THEN,
    )
    def break_off(
        self, to_client: int, to_server: int, how: str, only: int | None, then: int
    ) -> None:
        """All connections break, or one of them, at any byte."""
        self._there.link.disturb()
        self._there.server.break_off(to_client, to_server, how, only)
        self._then(then)

    @rule(size=st.sampled_from((None, None, 1, 3, 100)), then=_THEN)
    def cut_up(self, size: int | None, then: int) -> None:
        """From now on reads have at most so many bytes."""
        self._there.server.segment_size = size
        self._then(then)

    @rule(seconds=_SECONDS)
    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._there.advance(seconds)

    @rule()
    def quiet(self) -> None:
        """All is mended, and comes to rest."""
        settle(self._there)

    @rule()
    def flush(self) -> None:
        """All bytes are carried over."""
        self._then(-1)

    # -- What must be so --------------------------------------------------------------

    @invariant()
    def promises(self) -> None:
        """What a user is promised is so."""
        if self.world is not None:
            self.world.check()
            check_kept(self.world)
            self.world.promises.check()

    def teardown(self) -> None:
        """All comes to its end, and most often to rest before that."""
        if self.world is not None:
            try:
                (settle if self.settles else mend)(self.world)
                check_end(self.world)
            finally:
                self.world.close()


def machine_for(transport: str) -> type[ModelMachine]:
    """The machine of a transport."""
    name = f"{transport.title()}Machine"
    words = {"transport": transport, "__doc__": f"The model over {transport}."}
    return type(name, (ModelMachine,), words)
