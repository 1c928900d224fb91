"""asyncio programs with txphoenix, each run as a process of its own.

A process has one reactor, and trial's is not asyncio's.
What they do is in :mod:`txphoenix.test.aio_scenarios`; each runs with ``-X dev`` and
asyncio's debug mode, and must say nothing on stderr and leave nothing in its loop.
"""

from __future__ import annotations

from typing import Any

from .aio_case import NO_UVLOOP, AioTestCase

TALK = {
    "connected": True,
    "joined": [{"user_id": "ann"}, "ann"],
    "heard": [{"n": 1}, "ann"],
    "iterated": [{"n": 2}],
    "after": {"n": 3},
    "pinged": True,
    "state": "closed",
    "status": "disconnected",
}
TALK_BINARY = {**TALK, "binary": "00ff"}


class ProgramTests(AioTestCase):
    """Programs on asyncio's own loop."""

    loop = "asyncio"

    async def run_with(self, scenario: str) -> Any:
        """Run a scenario against a server at ``localhost``."""
        server = await self.server()
        url = server.url.replace("127.0.0.1", "localhost")
        return await self.run_scenario(self.loop, scenario, url)

    async def test_address(self) -> None:
        """It talks over ws with an address."""
        server = await self.server()
        self.assertEqual(
            await self.run_scenario(self.loop, "talk", server.url), TALK_BINARY
        )

    async def test_name(self) -> None:
        """It talks over ws with a name, which the resolver finds."""
        self.assertEqual(await self.run_with("talk"), TALK_BINARY)

    async def test_tls(self) -> None:
        """It talks over wss, with a name."""
        server, certificate = await self.secure_server()
        url = server.url.replace("127.0.0.1", "localhost")
        self.assertTrue(url.startswith("wss://localhost:"))
        result = await self.run_scenario(self.loop, "talk", url, certificate)
        self.assertEqual(result, TALK_BINARY)

    async def test_longpoll(self) -> None:
        """It talks over long-poll, with a name."""
        server = await self.server()
        url = server.http_url.replace("127.0.0.1", "localhost")
        self.assertEqual(await self.run_scenario(self.loop, "talk", url), TALK)

    async def test_secure_longpoll(self) -> None:
        """It talks over long-poll with TLS, with an address."""
        server, certificate = await self.secure_server()
        result = await self.run_scenario(
            self.loop, "talk", server.http_url, certificate
        )
        self.assertEqual(result, TALK)

    async def test_classes(self) -> None:
        """Callbacks of a class, and functions among the options, await asyncio's."""
        told, topics = await self.run_with("classes")
        self.assertEqual(
            told,
            [
                ["init", {"user_id": "nobody", "a": 1}],
                ["join", [{"user_id": "nobody", "a": 1}, None]],
                ["shouted", {"n": 1}],
                ["close", "stopped"],
            ],
        )
        self.assertEqual(topics, ["rooms:a", "rooms:b"])

    async def test_presence(self) -> None:
        """Hooks of presences await asyncio's own things."""
        result = await self.run_with("presence")
        self.assertEqual(result, [["join", "ann", 1], "sync", ["ann"], True])

    async def test_cancelled(self) -> None:
        """What is cancelled ends as asyncio has it, and the client goes on."""
        seen = await self.run_with("cancelled")
        cancelled = "TimeoutError asyncio.exceptions.CancelledError"
        self.assertEqual(
            seen,
            {
                **dict.fromkeys(("push", "receive", "when_stopped", "next"), cancelled),
                "join": "closed",
                "timeout": True,
                "echo": 1,
                "group": ["no"],
                "ended": ["PushInterrupted", "NotConnected", "list"],
            },
        )

    async def test_unheard(self) -> None:
        """Hooks under way are cancelled at the end, those of the end are called."""
        self.assertIsNone(await self.run_with("unheard"))
        self.assertEqual(self.said, ["stopped"])

    async def test_both(self) -> None:
        """Clients share the reactor, and the last one shuts it down."""
        self.assertEqual(await self.run_with("both"), [0, 1, 2, 3])

    async def test_crowd(self) -> None:
        """Many tasks have a client each, at once."""
        self.assertEqual(await self.run_with("crowd"), list(range(10)))

    async def test_closed(self) -> None:
        """Each end of a channel and of a client is told in its own way."""
        self.assertEqual(
            await self.run_with("closed"),
            [[1], "ChannelClosed", "PushInterrupted", "NotConnected", 2],
        )

    async def test_framework(self) -> None:
        """A client is entered in one task, used in others and left in another."""
        self.assertEqual(await self.run_with("framework"), [0, 1, 2, 3])

    async def test_refused(self) -> None:
        """Who finds nobody is told so, at once or when a coroutine function has it."""
        server = await self.server()
        await server.stop()
        result = await self.run_scenario(self.loop, "refused", server.url)
        self.assertEqual(result, [["ConnectionFailed"] * 2, ["ConnectionFailed"] * 2])

    async def test_twisted(self) -> None:
        """What is Twisted's runs in the same program."""
        result = await self.run_scenario(self.loop, "twisted")
        self.assertEqual(result, {"topic": "rooms:lobby", "user_id": "anonymous"})


class UvloopTests(AioTestCase):
    """Some of the same programs on uvloop's loop."""

    skip = NO_UVLOOP
    loop = "uvloop"
    run_with = ProgramTests.run_with
    test_name = ProgramTests.test_name
    test_tls = ProgramTests.test_tls
    test_longpoll = ProgramTests.test_longpoll
    test_classes = ProgramTests.test_classes
    test_cancelled = ProgramTests.test_cancelled
    test_unheard = ProgramTests.test_unheard
    test_twisted = ProgramTests.test_twisted
