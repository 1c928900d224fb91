"""The command ``demo``: :mod:`txphoenix.cli.demo`."""

from __future__ import annotations

import io
import re
from argparse import Namespace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from txphoenix.cli.demo import Demo, DemoRoom, run_demo
from txphoenix.cli.output import BROKEN_PIPE, FAILED, OK, CommandError, Terminal
from txphoenix.test.cli_program import CommandTestCase, Stream
from txphoenix.testing import ok

_STEP = re.compile(r"^ ?(\d+)  (.+?) \.{3,} (\S+)( +\d+ ms)?$", re.MULTILINE)


class PoliteRoom(DemoRoom):
    """A room that takes any message."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Broadcast anything."""
        self.broadcast(event, {"user_id": self.user, **payload})
        return ok()


class MixedUpRoom(DemoRoom):
    """A room that mixes up who says what."""

    def after_join(self) -> None:
        """Announce somebody else."""
        self.track(self.user)
        self.push_presence_state()
        self.broadcast_from("user_joined", {"user_id": "eve"})


class SilentRoom(DemoRoom):
    """A room that announces nobody."""

    def after_join(self) -> None:
        """Say nothing."""


class LateRoom(DemoRoom):
    """A room that takes a moment to know who is in it."""

    def after_join(self) -> None:
        """Announce the newcomer, and count them a moment later."""
        self.broadcast_from("user_joined", {"user_id": self.user})
        self.call_later(0.05, self.arrive)

    def arrive(self) -> None:
        """Be there."""
        self.track(self.user)
        self.push_presence_state()


class ClosingRoom(DemoRoom):
    """A room that takes nobody back."""

    joins = 0

    def join(self, params: Any) -> Any:
        """Take Ann and Bob once, and let nobody else in."""
        cls = type(self)
        cls.joins += 1
        return super().join(params) if cls.joins <= 2 else Deferred()


class DemoTests(CommandTestCase):
    """The steps."""

    async def show(self, demo: Demo | None = None, timeout: float = 20.0) -> int:
        """Show a demonstration; the exit code, or FAILED and its error in ``why``."""
        from twisted.internet import reactor

        terminal = Terminal(io.StringIO(), self.out, self.err, self.environ)
        try:
            args = Namespace(timeout=timeout)
            return await run_demo(
                reactor,
                args,
                terminal,
                demo,
            )
        except CommandError as error:
            self.why = str(error)
            return error.code

    def demo(self, room: type[DemoRoom]) -> Demo:
        """A demonstration in a room of another kind."""
        from twisted.internet import reactor

        return Demo(reactor, room)

    def steps(self) -> list[tuple[str, str, str, str]]:
        """Number, title, mark and time of each step that was shown."""
        return _STEP.findall(self.out.output.text)

    async def test_steps(self) -> None:
        """Each step is shown with its number, a tick and its time, and has worked."""
        self.assertEqual(await self.command("demo"), OK)
        steps = self.steps()
        self.assertEqual(
            [int(number) for number, *_ in steps], list(range(1, len(steps) + 1))
        )
        self.assertEqual({mark for *_, mark, _ in steps}, {"✓"})
        self.assertTrue(all(time for *_, time in steps))
        self.assertIn(f"All {len(steps)} steps have worked", self.out.output.text)
        self.assertEqual(self.err.output.text, "")

    async def test_main_job(self) -> None:
        """The main job is shown, and what there is to see of it."""
        await self.show()
        titles = " ".join(title for _, title, *_ in self.steps())
        for word in (
            "starts",
            "connects",
            "joins",
            "reply",
            "error",
            "gets it as well",
            "who is in the room",
            "bytes",
            "loses her connection",
            "connects again",
            "joins rooms:lobby again",
            "leaves",
            "disconnect",
        ):
            self.assertIn(word, titles)
        for seen in (
            "ws://127.0.0.1:",
            '{"topic": "rooms:lobby", "user_id": "ann"}',
            "a message needs a body",
            '{"user_id": "bob", "body": "Hello, Ann"}',
            '["ann", "bob"]',
            "1006",
        ):
            self.assertIn(seen, self.out.output.text)

    async def test_waits(self) -> None:
        """What takes its time is waited for."""
        self.assertEqual(await self.show(self.demo(LateRoom)), OK)

    async def test_fits_a_terminal(self) -> None:
        """No line is longer than 80 characters, and none is coloured in a pipe."""
        await self.show()
        lines = self.out.output.text.splitlines()
        # The last one has the path of Python in it.
        self.assertEqual([line for line in lines[:-1] if len(line) > 80], [])
        self.assertNotIn("\x1b", self.out.output.text)

    async def test_colours(self) -> None:
        """On a terminal a tick is green, unless NO_COLOR is set."""
        self.out = Stream(is_terminal=True)
        await self.show()
        self.assertIn("\x1b[32m✓\x1b[0m", self.out.output.text)
        self.environ["NO_COLOR"] = "1"
        self.out = Stream(is_terminal=True)
        await self.show()
        self.assertNotIn("\x1b", self.out.output.text)

    async def test_ascii(self) -> None:
        """Where there is no tick, a word stands for it."""
        self.out = Stream(encoding="ascii")
        self.assertEqual(await self.show(), OK)
        self.assertEqual({mark for *_, mark, _ in self.steps()}, {"ok"})

    async def assert_fails(
        self, room: type[DemoRoom], title: str, why: str, timeout: float = 20.0
    ) -> None:
        """The step of that title is the last one, and its failure is explained."""
        self.assertEqual(await self.show(self.demo(room), timeout), FAILED)
        *before, last = self.steps()
        self.assertEqual({mark for *_, mark, _ in before}, {"✓"})
        self.assertEqual(last[1:3], (title, "✗"))
        self.assertTrue(self.why.startswith(f"step {last[0]} ({title}) failed: "))
        self.assertIn(why, self.why)
        self.assertNotIn("have worked", self.out.output.text)

    async def test_missing_error(self) -> None:
        """An error that does not come is a failure."""
        await self.assert_fails(
            PoliteRoom, "Ann pushes nonsense, and gets the error", "said ok"
        )

    async def test_wrong_message(self) -> None:
        """A message that is not the expected one is a failure."""
        await self.assert_fails(
            MixedUpRoom,
            "Bob connects and joins; Ann is told",
            "expected {'user_id': 'bob'}, not {'user_id': 'eve'}",
        )

    async def test_missing_message(self) -> None:
        """What does not come in time is a failure; nothing is waited for for ever."""
        await self.assert_fails(
            SilentRoom,
            "Bob connects and joins; Ann is told",
            "in time",
            # A busy machine comes as far as that, all the same.
            timeout=4.0,
        )

    async def test_missing_rejoin(self) -> None:
        """A failure late in the story leaves nothing behind either."""
        ClosingRoom.joins = 0
        await self.assert_fails(
            ClosingRoom,
            "The client joins rooms:lobby again by itself",
            "in time",
            # To connect again may take 2.25 seconds.
            timeout=8.0,
        )

    async def test_error_of_the_client(self) -> None:
        """An error out of the client is told as it is."""

        class Broken(DemoRoom):
            def join(self, params: Any) -> Any:
                raise RuntimeError("broken")

        await self.assert_fails(Broken, "Ann joins rooms:lobby", "'join crashed'")

    async def test_fault_of_the_demo(self) -> None:
        """A fault of our own is logged, and is a failure as well."""

        class Faulty(Demo):
            async def _join(self) -> str:
                raise RuntimeError("a fault")

        from twisted.internet import reactor

        demo = Faulty(reactor)
        self.assertEqual(await self.show(demo), FAILED)
        self.assertIn("RuntimeError: a fault", self.why)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_interrupted(self) -> None:
        """Interrupted in the middle, it stops its server and its clients."""
        demo = self.demo(SilentRoom)
        running = Deferred.fromCoroutine(self.show(demo))
        await self.out.output.wait_for("Bob connects and joins")
        # The signal comes when the step is under way.
        await _next_turn()
        running.cancel()
        with self.assertRaises(CancelledError):
            await running

    async def test_closed_output(self) -> None:
        """Whoever has seen enough sees no more."""
        self.out.error = BrokenPipeError(32, "Broken pipe")
        self.assertEqual(await self.command("demo"), BROKEN_PIPE)


def _next_turn() -> Deferred[None]:
    from twisted.internet import reactor

    return deferLater(reactor, 0, lambda: None)
