"""What must be so once all is quiet, and after the stop."""

from __future__ import annotations

from txphoenix import Message
from txphoenix.runtime.deadlines import Deadlines

from .promises import Promise
from .server import CAST, HOOKED, QUEUED, ModelRoom
from .topic import Topic
from .world import World

__all__ = ["check_end", "check_kept", "check_quiet", "is_calm", "mend", "settle"]

# Within so many seconds all has come to rest, whatever has happened before: a dead peer
# is found, the longest poll is over, the delays have passed.
_LONGEST = 400.0
_STEP = 5.0
# Looked at so many times, a step apart, it must be at rest each time.
_TIMES = 2
# What a quiet client still waits for: its heartbeat or its poll, and little else.
_FEW = 4


def is_calm(world: World) -> bool:
    """Whether nothing holds bytes, answers or joins back.

    Over long-poll messages take their time, so that it is calm only once settled.
    """
    server = world.server
    return (
        world.transport == "websocket"
        and world.client.connected
        and not (server.is_stalled or server.is_paused or server.holds_joins)
        and server.hears
        and not (server.reads_paused or world.holds_params or world.held_params)
    )


def check_quiet(world: World) -> None:
    """Both sides agree, and all that either has said has reached the other.

    To be called when the client is connected, nothing is held back, and all bytes have
    been carried over.
    """
    for topic in world.topics:
        rooms = world.server.living(topic.name)
        if any(room.busy is not None for room in rooms):
            # What it was sent waits at the server.
            continue
        if topic.phase == "joined":
            _check_joined(world, topic, rooms)
        elif topic.phase == "closed":
            topic.hold(Promise.AGREE, not rooms, f"closed, and the server has {rooms}")
    world.promises.check()


def _check_joined(world: World, topic: Topic, rooms: list[ModelRoom]) -> None:
    ref = topic.channel.join_ref
    ours = [room for room in rooms if room.join_ref == ref]
    # Of connections that are gone the server may not know yet, but with that name.
    is_one = len(ours) == 1 and rooms[-1] is ours[0]
    joins = [room.join_ref for room in rooms]
    topic.hold(Promise.AGREE, is_one, f"joined as {ref}, and the server has {joins}")
    if not is_one:
        return
    room = ours[0]
    heard = topic.heard.get((room.number, HOOKED), 0)
    said = room.said[HOOKED]
    topic.hold(Promise.NOTHING_LOST, heard == said, f"heard {heard} of {said} messages")
    missing = set(room.casts) - set(topic.casts)
    topic.hold(Promise.NOTHING_LOST, not missing, f"{CAST}s {missing} were not heard")
    world.raw.check(topic)
    waiting = [it for it in world.ledger.open if it.topic is topic]
    if any(it.kind == "receive" for it in waiting):
        read, said = topic.read.get(room.number, 0), room.said[QUEUED]
        what = f"read {read} of {said} messages"
        topic.hold(Promise.NOTHING_LOST, read == said, what)
    for handed in waiting:
        number = handed.number
        is_writable = handed.kind == "when_writable"
        topic.hold(Promise.FIRES, not is_writable, f"{handed!r}: a push would be sent")
        if handed.kind == "push":
            is_seen = number in world.server.seen
            topic.hold(Promise.NOTHING_LOST, is_seen, f"{handed!r} has not arrived")
            is_answered = number in room.answered
            topic.hold(Promise.REPLY, not is_answered, f"{handed!r} was answered")


def mend(world: World) -> None:
    """Mend all that is broken, and hold nothing back any more."""
    server = world.server
    server.is_stalled = server.is_deaf = server.refuses_joins = False
    server.segment_size = None
    server.refuse(None)
    server.refuse(None, "websocket")
    world.holds_params = False
    for topic in world.topics:
        topic.raises_at = ""
    server.start()
    server.resume()
    server.release_joins()
    server.release_connections()
    _release(world)


def settle(world: World) -> None:
    """Mend all that is broken, and let time pass until both sides are at rest."""
    mend(world)
    clock = world.clock
    end = clock.seconds() + _LONGEST
    times = 0
    while True:
        # What was held back for a reader comes only once another has read.
        has_read = _release(world)
        world.flush()
        world.check()
        unsettled = _unsettled(world)
        times = 0 if unsettled or has_read else times + 1
        if times == _TIMES:
            break
        if clock.seconds() > end:
            world.promises.broken(Promise.AGREE, f"not at rest: {unsettled}")
            world.promises.check()
        world.advance(_STEP)
    _check_rest(world)


def _release(world: World) -> bool:
    """Have nobody wait for what the model holds back; read what waits to be read.

    :return: whether there was anything to read.
    """
    has_read = False
    world.server.release_joins()
    world.server.release_rooms()
    held, world.held_params = world.held_params, []
    for deferred in held:
        if not deferred.called:
            deferred.callback({"model": True})
    for topic in world.topics:
        reads = topic.phase == "joined" and not any(
            it.kind == "receive" and it.topic is topic for it in world.ledger.open
        )
        while reads:
            # To the last message, and then there is somebody who waits for the next.
            handed = world.read(topic)
            reads = bool(handed.fired) and isinstance(handed.fired[0], Message)
            has_read = has_read or reads
    return has_read


def _unsettled(world: World) -> list[object]:
    """What is still under way."""
    client, link = world.client, world.link
    found: list[object] = [
        handed
        for handed in world.ledger.open
        if handed.kind not in _PATIENT
        and (handed.kind != "when_settled" or link.is_wanted)
    ]
    if client.connected != link.is_wanted or client.connected != link.is_told_open:
        found.append(client)
    if link.is_wanted:
        found += [it.channel for it in world.topics if it.phase not in _AT_REST]
    # Over long-poll either side finds out later that the other has ended a session.
    newest = world.server.sessions[-1:] if link.is_wanted else []
    if world.server.reads_paused:
        found.append("reading is paused")
    if world.server.connections != newest or not world.server.hears:
        found.append(world.server.connections)
    return found


_AT_REST = ("joined", "closed")
# What may be waited for though all is at rest.
_PATIENT = ("receive", "when_connected", "when_writable", "when_stopped")


def _check_rest(world: World) -> None:
    """After a settled world has been calm for a while, nothing is under way or kept."""
    if world.client.connected:
        check_quiet(world)
    for topic in world.topics:
        if not world.link.is_wanted:
            rooms = world.server.living(topic.name)
            topic.hold(Promise.AGREE, not rooms, f"disconnected, and there are {rooms}")
    count = len(Deadlines.of(world.clock))
    few = f"{count} deadlines are left at rest"
    world.promises.hold(Promise.NOTHING_LEFT, count <= _FEW, few)
    check_kept(world)
    world.promises.check()


def check_kept(world: World) -> None:
    """What the client keeps of pushes is what somebody waits for.


    Once it is stopped it keeps nothing.
    """
    left = len(Deadlines.of(world.clock)) if world.link.is_over else 0
    stopped = f"stopped, and {left} deadlines are left"
    world.promises.hold(Promise.NOTHING_LEFT, not left, stopped)
    now = world.clock.seconds()
    for topic in world.topics:
        made = topic.channel._membership.made_pushes
        kept = 0 if made is None else made.kept + len(made._sent or ())
        waiting = sum(
            it.kind == "push" and it.topic is topic for it in world.ledger.open
        )
        waiting += sum(it >= now for it in world.ledger.asyncs.get(topic.name, ()))
        what = f"{kept} pushes are kept, and {waiting} are waited for"
        topic.hold(Promise.NOTHING_LEFT, kept <= waiting, what)


def check_end(world: World) -> None:
    """After the stop nothing is left: no Deferred, call, connection or channel."""
    world.stop()
    world.flush()
    world.advance(world.client.options.close_timeout + 1.0)
    world.check()
    hold = world.promises.hold
    for topic in world.topics:
        topic.hold(Promise.AGREE, topic.phase == "closed", "not closed by the stop")
    hold(Promise.FIRES, not world.ledger.open, f"not fired: {world.ledger.open}")
    hold(Promise.NOTHING_LEFT, not world.client.channels.routes, "channels are left")
    left = len(Deadlines.of(world.clock))
    hold(Promise.NOTHING_LEFT, not left, f"{left} deadlines are left")
    pairs = [it for it in world.server.pairs if it.client.connected]
    hold(Promise.NOTHING_LEFT, not pairs, f"{len(pairs)} connections are left")
    world.server.stop(drain=False)
    world.flush()
    calls = world.clock.getDelayedCalls()
    hold(Promise.NOTHING_LEFT, not calls, f"calls are left: {calls}")
    world.promises.check()
