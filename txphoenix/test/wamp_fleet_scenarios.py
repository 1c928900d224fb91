"""What may befall a fleet, one thing at a time.

Each scenario is a function of a world, which notes by itself what was promised and is
not held; what else must hold the scenario says.
The fleet's tests play them as they are, and with faults planted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import SubscribeOptions
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txphoenix.test.wamp_fleet_kit import PREFIX, TIMEOUT, Worker, World
from txphoenix.wamp.uris import escaped

#: It is given a world, in which nothing has happened yet.
Scenario = Callable[[World], None]

TOPICS = [f"rooms:{number}" for number in range(8)]


def subscribe(
    world: World, client: ApplicationSession, topic: str, match: str = "prefix"
) -> Deferred[Any]:
    """Subscribe to all of a topic."""
    options = SubscribeOptions(match=match)
    uri = f"{PREFIX}.{escaped(topic)}."
    subscribing: Deferred[Any] = client.subscribe(lambda *_: None, uri, options)
    return subscribing


def result_of(outcome: Deferred[Any]) -> Any:
    """What a call has ended with, be it a failure."""
    # The world's calls end with a list of that.
    ended: Any = outcome.result if outcome.called else ["it has not ended"]
    return ended[0]


def error_of(outcome: Deferred[Any]) -> str:
    """The URI of the error that a call has ended with."""
    result = result_of(outcome)
    if isinstance(result, Failure) and isinstance(result.value, ApplicationError):
        return str(result.value.error)
    return f"no error: {result}"


def holder_of(world: World, topic: str) -> Worker:
    """Who holds a topic."""
    return dict(world.held())[topic]


def begun(world: World, workers: int = 2) -> ApplicationSession:
    """A fleet that has a few topics, and the client that wants them."""
    for _ in range(workers):
        world.add_worker()
    client = world.add_client()
    world.pump()
    for topic in TOPICS:
        subscribe(world, client, topic)
    world.settle(5)
    world.check_quiet()
    return client


def hung_push(world: World, topic: str, entries: int) -> list[Deferred[Any]]:
    """Pushes that the server does not answer, by each entry."""
    client = world.add_client()
    world.pump()
    pushes = [
        world.push(client, topic, "hang", f"{topic} {number}")
        for number in range(entries)
    ]
    world.pump()
    return pushes


def expect(world: World, *, what: str, found: object, wanted: object) -> None:
    """Note it if something is not as it should be."""
    if found != wanted:
        world.broken.append(f"{what}: {found}, not {wanted}")


def a_worker_comes(world: World) -> None:
    """Topics move to it: calls under way fail, others wait, and are done once."""
    begun(world)
    before = {topic: worker.number for topic, worker in world.held()}
    world.server.leave_time = 2.0
    pushes = {topic: hung_push(world, topic, 2) for topic in TOPICS}
    world.add_worker()
    world.pump()
    world.advance(1.0)
    client = world.add_client()
    world.pump()
    moving = [world.push(client, topic, "shout", f"{topic} x") for topic in TOPICS]
    world.settle(5)
    after = {topic: worker.number for topic, worker in world.held()}
    moved = {topic for topic in TOPICS if before[topic] != after[topic]}
    expect(world, what="some move", found=0 < len(moved) < len(TOPICS), wanted=True)
    for topic in moved:
        for push in pushes[topic]:
            expect(
                world,
                what=f"the push to {topic}",
                found=error_of(push),
                wanted="phx.error.moved",
            )
    done = [result_of(push) for push in moving]
    expect(world, what="pushes", found=done, wanted=[f"{it} x" for it in TOPICS])
    world.settle(TIMEOUT)
    world.check_quiet()


def a_worker_is_killed(world: World) -> None:
    """Its topics are elsewhere, and calls that it had fail, and are done once."""
    begun(world, 3)
    worker = holder_of(world, TOPICS[0])
    pushes = hung_push(world, TOPICS[0], 3)
    world.kill(worker)
    world.pump()
    errors = sorted(map(error_of, pushes))
    expect(
        world,
        what="pushes",
        found=errors,
        # That of its own entry is the router's own.
        wanted=["phx.error.interrupted"] * 2 + ["wamp.error.canceled"],
    )
    world.settle(2)
    world.check_quiet()


def a_worker_hangs(world: World) -> None:
    """Calls end before the router sees that it is gone; then its topics are elsewhere.

    Who waited for it keeps its own session.
    """
    begun(world, 3)
    worker = holder_of(world, TOPICS[0])
    numbers = {it.number for it in world.workers if it is not worker}
    world.kill(worker, is_seen=False)
    pushes = hung_push(world, TOPICS[0], 3)
    world.settle(TIMEOUT + 3)
    errors = [error_of(push) for push in pushes if push.called]
    expect(world, what="pushes", found=errors, wanted=["phx.error.timeout"] * 2)
    worker.connection.vanish()
    world.settle(2)
    world.check_quiet()
    found = {it.number for it in world.workers}
    expect(world, what="the other workers", found=found, wanted=numbers)


def a_worker_stops(world: World) -> None:
    """Its topics are left first, and then taken by others."""
    begun(world, 3)
    worker = holder_of(world, TOPICS[0])
    world.server.leave_time = 1.0
    world.stop_worker(worker)
    world.settle(5)
    expect(world, what="it is gone", found=worker in world.workers, wanted=False)
    world.check_quiet()


def a_client_dies(world: World) -> None:
    """What it alone wanted is left, and what others want too is not."""
    begun(world)
    for number in range(6):
        client, other = world.add_client(), world.add_client()
        world.pump()
        subscribe(world, client, "alone")
        subscribe(world, client, "shared")
        subscribe(world, other, "shared")
        if number % 2:
            subscribe(world, client, "alone", "wildcard")
        world.settle(2)
        world.router.connection_of(client).kill()
        world.settle(2)
        world.check_quiet()


def a_wildcard_was_there(world: World) -> None:
    """A worker that starts learns of subscriptions by wildcard."""
    client = world.add_client()
    world.pump()
    for topic in TOPICS:
        subscribe(world, client, topic, "wildcard")
    world.pump()
    world.add_worker()
    world.add_worker()
    world.settle(5)
    world.check_quiet()
    expect(world, what="held", found=len(world.held()), wanted=len(TOPICS))


def somebody_subscribes_meanwhile(world: World) -> None:
    """A worker that starts misses nothing, at whatever moment that comes."""
    for steps in range(40):
        each = World(steps, world.check_every)
        client = each.add_client()
        each.pump()
        each.add_worker()
        for _ in range(steps):
            each.step()
        subscribe(each, client, "rooms:lobby")
        each.settle(2)
        each.check_quiet()
        world.broken += each.broken


def a_lock_is_refused(world: World) -> None:
    """It is asked for again."""
    world.add_worker()
    world.pump()
    world.router.dealer.refusals = 5
    subscribe(world, world.add_client(), "rooms:lobby")
    world.settle(10)
    world.check_quiet()


def a_join_is_refused(world: World) -> None:
    """Callers are told; and the join is tried again."""
    world.server.refused.add(TOPICS[0])
    client = begun(world)
    push = world.push(client, TOPICS[0], "shout", 1)
    world.settle(2)
    expect(world, what="push", found=error_of(push), wanted="phx.error.join_refused")
    world.server.refused.clear()
    world.settle(31)
    world.check_quiet()


def nobody_wants_it(world: World) -> None:
    """A topic that is pushed to is joined, and left when it has been idle."""
    client = begun(world)
    pushes = [world.push(client, "other", "shout", number) for number in range(4)]
    world.settle(2)
    found = [result_of(push) for push in pushes]
    expect(world, what="pushes", found=found, wanted=[0, 1, 2, 3])
    world.settle(20)
    world.push(client, "other", "shout", "again")
    world.settle(20)
    expect(world, what="held", found="other" in dict(world.held()), wanted=True)
    world.settle(12)
    expect(world, what="held", found="other" in dict(world.held()), wanted=False)
    world.check_quiet()


def topics_are_configured(world: World) -> None:
    """They are held by their owners, until nobody is configured so."""
    configured = world.add_worker(["a", "b", "v1.2 beta", "%"])
    world.add_worker(["a"])
    world.add_worker()
    world.settle(5)
    world.check_quiet()
    expect(world, what="held", found=len(world.held()), wanted=4)
    world.kill(configured)
    world.settle(5)
    world.check_quiet()
    expect(world, what="held", found=list(dict(world.held())), wanted=["a"])


def the_router_is_restarted(world: World) -> None:
    """All come back, and what is wanted is held again."""
    begun(world)
    world.restart_router()
    client = world.add_client()
    world.pump()
    for topic in TOPICS[:3]:
        subscribe(world, client, topic)
    world.settle(15)
    world.check_quiet()
    expect(world, what="held", found=len(world.held()), wanted=3)


def lists_are_old(world: World) -> None:
    """They are asked for again before long."""
    begun(world)
    world.router.dealer.meta.stale_lists = 3
    world.kill(world.workers[0])
    world.settle(world.check_every + 5)
    world.check_quiet()


SCENARIOS: list[Scenario] = [
    a_client_dies,
    a_join_is_refused,
    a_lock_is_refused,
    a_wildcard_was_there,
    a_worker_comes,
    a_worker_hangs,
    a_worker_is_killed,
    a_worker_stops,
    lists_are_old,
    nobody_wants_it,
    somebody_subscribes_meanwhile,
    the_router_is_restarted,
    topics_are_configured,
]
