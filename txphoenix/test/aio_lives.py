"""How asyncio programs begin and end, and what reactor they meet.

::

    python -m txphoenix.test.aio_lives PROGRAM LOOP URL

Each is a whole program, which prints lines of JSON.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import signal
import sys
import threading
from contextlib import AsyncExitStack
from typing import Any

from txphoenix.aio import connect, install, running_reactor, wait
from txphoenix.errors import ConfigurationError

from .aio_program import LIMIT, finish, run, say


async def echo(url: str, value: Any, **given: Any) -> Any:
    """Connect, and have something echoed."""
    asyncio.get_running_loop().slow_callback_duration = LIMIT
    async with connect(url, **given) as client:
        _, channel = await client.join("rooms:a")
        return await channel.push("echo", value)


async def error_of(url: str) -> str:
    """Connect where that cannot be."""
    try:
        return str(await echo(url, "connected"))
    except ConfigurationError as error:
        return str(error)


def again(loop: str, url: str) -> None:
    """Run one loop after the other, each with its client."""
    for n in range(3):
        say(run(loop, finish(echo(url, n))))


def runner(loop: str, url: str) -> None:
    """Have a client through several runs of one loop."""
    with asyncio.Runner(loop_factory=factory(loop)) as used:
        used.get_loop().slow_callback_duration = LIMIT
        context = connect(url)
        client = used.run(context.__aenter__())
        _, channel = used.run(client.join("rooms:a"))
        say(used.run(channel.push("echo", 1)))
        used.run(context.__aexit__(None, None, None))
        say(used.run(finish(echo(url, 2))))


def factory(loop: str) -> Any:
    """What makes loops of one of the two kinds."""
    if loop == "uvloop":
        from uvloop import new_event_loop

        return new_event_loop
    return asyncio.new_event_loop


def thread(loop: str, url: str) -> None:
    """Run a loop in another thread, and then in this one."""
    said: list[Any] = []
    other = threading.Thread(
        target=lambda: said.append(run(loop, finish(echo(url, 1))))
    )
    other.start()
    other.join()
    # That thread had no other thread beside it but this one.
    said[0]["threads"] = [each.name for each in threading.enumerate()]
    say(said[0])
    say(run(loop, finish(echo(url, 2))))


def threads(loop: str, url: str) -> None:
    """Run two loops at once."""

    async def first() -> None:
        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            said = await asyncio.to_thread(run, loop, error_of(url))
            say([said, await channel.push("echo", 1)])

    run(loop, first())
    say(run(loop, echo(url, 2)))


def abandoned(loop: str, url: str) -> None:
    """Close a loop on which a client is open, and go on with another."""
    made = factory(loop)()
    context = connect(url)
    client = made.run_until_complete(context.__aenter__())
    made.run_until_complete(client.join("rooms:a"))
    made.close()
    say(run(loop, finish(echo(url, 1))))
    say(client.status)


def closed_late(loop: str, url: str) -> None:
    """Leave it to the end of the loop to leave a client."""
    kept = []

    async def main() -> None:
        kept.append(connect(url))
        client = await kept[0].__aenter__()
        await client.join("rooms:a")

    run(loop, main())
    say(run(loop, finish(echo(url, 1))))


def taken(loop: str, url: str) -> None:
    """Import the reactor first, as some library may do."""
    from twisted.internet import reactor

    say([type(reactor).__name__, run(loop, error_of(url))])


def installed(loop: str, url: str) -> None:
    """Install the reactor first, and import it then."""
    install()
    install()
    from twisted.internet import reactor

    # What is asked of it before there is a loop is done when there is one.
    done: list[str] = []
    called: Any = reactor
    called.callLater(0, done.append, "later")
    called.callFromThread(done.append, "from a thread")
    called.callWhenRunning(done.append, "running")

    async def main() -> Any:
        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            return [await channel.push("echo", 1), sorted(done)]

    say(run(loop, finish(main())))


def planned(loop: str, url: str) -> None:
    """Have a call planned before there is a loop, and wait for nothing else."""
    install()
    from twisted.internet import reactor

    come = asyncio.Event()
    planning: Any = reactor
    planning.callLater(0, come.set)

    async def main() -> bool:
        async with running_reactor():
            return await come.wait()

    say(run(loop, finish(main())))


def kept_open(loop: str, url: str) -> None:
    """Leave a port of Twisted's open, on one loop after the other."""
    from txphoenix.testing import ChatRoom, PhoenixServer

    async def main() -> list[str]:
        async with running_reactor() as used:
            await wait(PhoenixServer({"rooms:*": ChatRoom}).start())
        reactor: Any = used
        return [str(each) for each in reactor.getReaders() if hasattr(each, "getHost")]

    for _ in range(2):
        say(run(loop, finish(main())))


def misplaced(loop: str, url: str) -> None:
    """Install Twisted's own asyncio reactor, on another loop than the one that runs."""
    from twisted.internet import asyncioreactor

    made = asyncio.new_event_loop()
    asyncioreactor.install(made)
    say(run(loop, error_of(url)))
    say(made.run_until_complete(error_of(url)))
    made.close()


def beside(loop: str, url: str) -> None:
    """Use the reactor that Twisted runs on the loop already."""
    from twisted.internet import asyncioreactor

    made = factory(loop)()
    asyncio.set_event_loop(made)
    asyncioreactor.install(made)
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    async def main(reactor: Any) -> None:
        said = await Deferred.fromFuture(made.create_task(echo(url, 1)))
        # It is left as it was.
        say([said, reactor.running, type(reactor).__name__])
        say(await error_in_twisted(url))

    react(lambda reactor: Deferred.fromCoroutine(main(reactor)))


async def error_in_twisted(url: str) -> str:
    """Connect in a coroutine of Twisted's."""
    try:
        async with connect(url):
            return "connected"
    except ConfigurationError as error:
        return str(error)


def handlers() -> list[Any]:
    """What handles the signals that Twisted would handle."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    return list(map(signal.getsignal, signals))


def interrupted(loop: str, url: str) -> None:
    """Wait for what never comes, until Ctrl-C."""

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = LIMIT
        before = handlers()
        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            say(handlers() == before)
            try:
                await channel.push("silent", timeout=LIMIT)
            finally:
                say(client.status)

    run(loop, main())


def stubborn(loop: str, url: str) -> None:
    """Be interrupted while the client is being left, by a hook that takes its time."""

    async def close(_reason: object) -> None:
        say("closing")
        await asyncio.sleep(LIMIT)

    async def main() -> None:
        async with connect(url, close_timeout=LIMIT) as client:
            _, channel = await client.join("rooms:a")
            channel.on_close(close)

    run(loop, main())


def exited(loop: str, url: str) -> None:
    """End the program in a hook, which is no task."""

    async def main() -> None:
        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            channel.on("shouted", lambda _payload: sys.exit(3))
            channel.on_close(say)
            await channel.push("shout")
            await channel.when_stopped()

    run(loop, main())


def kept(_loop: str, url: str) -> None:
    """Never come to the end of the block, as in a notebook."""
    made = asyncio.new_event_loop()
    stack = AsyncExitStack()
    client = made.run_until_complete(stack.enter_async_context(connect(url)))
    say(client.status)


def stopped(loop: str, url: str) -> None:
    """Have somebody stop the reactor, and go on with the next loop."""

    async def main() -> Any:
        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            from twisted.internet import reactor

            stopping: Any = reactor
            stopping.stop()
            await channel.when_stopped()
            return client.status

    say(run(loop, finish(main())))
    say(run(loop, finish(echo(url, 2))))


def logged(loop: str, url: str) -> None:
    """Have a hook raise, and see where that goes."""
    import logging

    logging.basicConfig(format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)

    async def hook(_payload: object) -> None:
        raise ValueError("a hook's own\n\x1b[31m")

    async def main() -> None:
        from twisted.internet.defer import fail

        async with connect(url) as client:
            _, channel = await client.join("rooms:a")
            channel.on("shouted", hook)
            await channel.push("shout")
            # The hook's task goes first.
            await channel.push("echo")
            fail(ValueError("nobody's"))
            gc.collect()

    run(loop, main())


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    globals()[sys.argv[1]](*sys.argv[2:])
