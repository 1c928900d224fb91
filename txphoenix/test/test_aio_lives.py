"""How asyncio programs begin and end, and what reactor they meet.

The programs are in :mod:`txphoenix.test.aio_lives`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .aio_case import NO_UVLOOP, AioTestCase, complaints
from .cli_program import CHECKED, Program, start_program


class LifeTests(AioTestCase):
    """Programs on asyncio's own loop."""

    loop = "asyncio"

    async def program(self, name: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a program, with a server at ``localhost``."""
        server = await self.server()
        return start_program(
            self,
            *(*CHECKED, "-m", "txphoenix.test.aio_lives", name, self.loop),
            server.url.replace("127.0.0.1", "localhost"),
            env=env,
        )

    async def lines(self, name: str) -> list[Any]:
        """Run a program that ends well; what it prints."""
        program = await self.program(name)
        code = await program.ended
        if code or complaints(program):
            self.fail(f"exit status {code}: {complaints(program)}")
        return [json.loads(line) for line in program.out.text.splitlines()]

    def results(self, lines: list[Any]) -> list[Any]:
        """What scenarios have returned that leave nothing."""
        results = [line.pop("result") for line in lines]
        for line in lines:
            self.assert_left(line, self.loop)
        return results

    async def test_again(self) -> None:
        """``asyncio.run`` may be called again: the reactor goes from loop to loop."""
        self.assertEqual(self.results(await self.lines("again")), [0, 1, 2])

    async def test_runner(self) -> None:
        """A client lives through several runs of one loop."""
        first, *others = await self.lines("runner")
        self.assertEqual([first, *self.results(others)], [1, 2])

    async def test_thread(self) -> None:
        """A loop may run in one thread, and the next in another."""
        self.assertEqual(self.results(await self.lines("thread")), [1, 2])

    async def test_threads(self) -> None:
        """A second loop at the same time is refused, and harms nobody."""
        [said, reply], last = await self.lines("threads")
        self.assertIn("in use on another loop, which runs in another thread", said)
        self.assertEqual((reply, last), (1, 2))

    async def test_abandoned(self) -> None:
        """A client on a loop that was closed is ended, and the next loop works."""
        line, status = await self.lines("abandoned")
        self.assertEqual((self.results([line]), status), ([1], "disconnected"))

    async def test_closed_late(self) -> None:
        """Who does not leave a client leaves it at the end of ``asyncio.run``."""
        self.assertEqual(self.results(await self.lines("closed_late")), [1])

    async def test_taken(self) -> None:
        """Another reactor is refused, by its name and with what to do."""
        [[name, said]] = await self.lines("taken")
        self.assertIn(f"{name} is installed already", said)
        self.assertIn("call txphoenix.aio.install() before that", said)

    async def test_installed(self) -> None:
        """After ``install()`` the reactor may be imported, and be asked for things."""
        [line] = await self.lines("installed")
        [[reply, done]] = self.results([line])
        self.assertEqual((reply, done), (1, ["from a thread", "later", "running"]))

    async def test_planned(self) -> None:
        """What was planned before there was a loop comes by itself."""
        self.assertEqual(self.results(await self.lines("planned")), [True])

    async def test_kept_open(self) -> None:
        """What is still open when the last user leaves is closed, each time."""
        self.assertEqual(self.results(await self.lines("kept_open")), [[], []])

    async def test_misplaced(self) -> None:
        """Twisted's asyncio reactor elsewhere, or at rest, is refused."""
        elsewhere, at_rest = await self.lines("misplaced")
        self.assertIn("on another loop than the one that runs", elsewhere)
        self.assertIn("on this loop, but does not run", at_rest)
        for said in (elsewhere, at_rest):
            self.assertIn("txphoenix.aio.install() in its place", said)

    async def test_beside(self) -> None:
        """A reactor that Twisted runs on the loop is used, and left alone.

        Coroutines of Twisted's are told that this is not for them.
        """
        used, said = await self.lines("beside")
        self.assertEqual(used, [1, True, "AsyncioSelectorReactor"])
        self.assertIn("use txphoenix.SocketClient", said)

    async def test_stopped(self) -> None:
        """Who stops the reactor ends the clients, and not the loop."""
        self.assertEqual(self.results(await self.lines("stopped")), ["disconnected", 2])

    async def test_interrupted(self) -> None:
        """Ctrl-C ends a program as asyncio has it, and the client in good order."""
        program = await self.program("interrupted")
        await program.out.wait_for("true\n")
        program.interrupt()
        code = await program.ended
        # As any program that is interrupted: by the signal.
        self.assertEqual(code, -2)
        self.assertEqual(program.out.text, 'true\n"connected"\n')
        self.assertTrue(program.err.text.endswith("\nKeyboardInterrupt\n"))
        self.assertEqual(program.err.text.count("Error"), 1, program.err.text)

    async def test_stubborn(self) -> None:
        """Ctrl-C ends a program also while its client is being left."""
        program = await self.program("stubborn")
        await program.out.wait_for("closing")
        program.interrupt()
        self.assertEqual(await program.ended, -2)

    async def test_exited(self) -> None:
        """What ends a program ends it in a hook, too, and the client is left."""
        program = await self.program("exited")
        self.assertEqual(await program.ended, 3)
        self.assertEqual(program.out.text, '"stopped"\n')

    async def test_kept(self) -> None:
        """Nothing holds up the end of a program that has left no client."""
        program = await self.program("kept")
        self.assertEqual(await program.ended, 0)
        self.assertEqual(program.out.text, '"connected"\n')

    async def test_logged(self) -> None:
        """What Twisted logs goes to Python's logging, each namespace to its logger."""
        program = await self.program("logged")
        self.assertEqual((await program.ended, complaints(program)), (0, ""))
        said = program.out.text
        # It is named as the user knows it.
        self.assertIn(
            "txphoenix.hooks rooms:a: hook __main__.logged.<locals>.hook", said
        )
        self.assertIn("CRITICAL twisted.internet.defer Unhandled error in", said)
        self.assertIn("ValueError: nobody's", said)
        self.assertNotIn("\x1b", said)


class UvloopLifeTests(AioTestCase):
    """Those programs on uvloop's loop for which it may matter."""

    skip = NO_UVLOOP
    loop = "uvloop"
    program = LifeTests.program
    lines = LifeTests.lines
    results = LifeTests.results
    test_again = LifeTests.test_again
    test_runner = LifeTests.test_runner
    test_abandoned = LifeTests.test_abandoned
    test_installed = LifeTests.test_installed
    test_beside = LifeTests.test_beside
    test_interrupted = LifeTests.test_interrupted
    test_stubborn = LifeTests.test_stubborn
    test_exited = LifeTests.test_exited
