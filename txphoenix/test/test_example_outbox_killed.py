"""``examples/outbox.py`` loses nothing when it is killed, and has no effect twice.

The program runs in a process of its own, against a server in this one.
It kills itself at a certain place of its work, or is killed when a certain push has
come, and is started again.
"""

from __future__ import annotations

import os
import random

from twisted.trial.unittest import TestCase

from txphoenix.test.cli_program import Program, start_program
from txphoenix.test.outbox_case import EXAMPLE, OutboxCase

COUNT = 12

# Runs the example's program, which kills itself when it comes to a place of its work
# for the third time; the first argument is the place.
CRASHING = f"""
import os, signal, sys

sys.path.insert(0, {os.fspath(EXAMPLE.parent)!r})
import outbox
from twisted.internet.task import react

place, passes = sys.argv.pop(1), 2

class SmallBatches(outbox.Outbox):
    def __init__(self, path, topic, **options):
        super().__init__(path, topic, batch=3)


# There are at least four batches then.
outbox.Outbox = SmallBatches


def crash(owner, name, when):
    original = getattr(owner, name)

    def crashing(*args, **kwargs):
        global passes
        if when == "before" and not passes:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if when == "after" and not passes:
            os.kill(os.getpid(), signal.SIGKILL)
        passes -= 1
        return result

    setattr(owner, name, crashing)


crash(*{{
    "the sale is written, but not its push": (outbox.Outbox, "add", "before"),
    "both are written, but not committed": (outbox.Outbox, "add", "after"),
    "committed, but not sent": (outbox.OutboxChannel, "push", "before"),
    "answered, but not deleted": (outbox.Outbox, "settle", "before"),
    "deleted, but not committed": (outbox.Outbox, "settle", "after"),
}}[place])
react(outbox.sell, sys.argv[1:])
"""
PLACES = [
    "the sale is written, but not its push",
    "both are written, but not committed",
    "committed, but not sent",
    "answered, but not deleted",
    "deleted, but not committed",
]


class InterruptedTests(TestCase):
    """The demonstration is interrupted, and not the program that it has started."""

    skip = OutboxCase.skip
    timeout = 120

    async def test_alone(self) -> None:
        """The program ends first, in silence, and then its folder goes."""
        for signal in ("INT", "TERM"):
            folder = os.path.abspath(self.mktemp())
            os.mkdir(folder)
            demonstration = start_program(
                self, os.fspath(EXAMPLE), env={"TMPDIR": folder}
            )
            # Said by the program, which is at work on what it has sold.
            await demonstration.out.wait_for("sold 40\n")
            demonstration.interrupt(signal)
            # It has handed its own streams on: they end with the last program.
            await demonstration.ended
            self.assertEqual(demonstration.err.text, "", signal)
            self.assertNotIn("count:", demonstration.out.text, signal)
            self.assertEqual(os.listdir(folder), [], signal)


class KilledTests(OutboxCase):
    """The program is killed, and started again."""

    if os.name == "nt":
        skip = "there is no SIGKILL"

    def start(self, url: str, count: int = COUNT) -> Program:
        """Start the program."""
        return start_program(self, os.fspath(EXAMPLE), url, self.path, str(count))

    async def finish(self, url: str, count: int = COUNT) -> None:
        """Start the program, and let it do all that is left to do."""
        program = self.start(url, count)
        self.assertEqual((await program.ended, program.err.text), (0, ""))

    async def crash(self, url: str, place: str) -> None:
        """Have the program kill itself."""
        arguments = (place, url, self.path, str(COUNT))
        program = start_program(self, "-c", CRASHING, *arguments)
        self.assertEqual((await program.ended, program.err.text), (-9, ""))

    async def crash_at(self, *places: str) -> None:
        """Have it kill itself at each of these places, and then do the rest."""
        server = await self.serve()
        for place in places:
            self.begin_anew()
            await self.crash(server.url, place)
            # Each sale of which the server does not know is in the outbox.
            sold, known = len(self.rows("*", "sold")), len(self.applied)
            self.assertEqual(sold, known + len(self.not_applied()), place)
            self.assertLess(known, COUNT)
            await self.finish(server.url)
            self.assert_all_applied(COUNT)

    def begin_anew(self) -> None:
        """Forget what was sold."""
        if os.path.exists(self.path):
            os.remove(self.path)
        self.received.clear()
        self.example.Orders.database.execute("DELETE FROM orders")

    def not_applied(self) -> list[str]:
        """The ids of what waits to be sent, and has had no effect yet."""
        known = self.example.Orders.database.execute("SELECT id FROM orders").fetchall()
        return [row for row in self.rows("id") if row not in known]

    async def test_before_sending(self) -> None:
        """Killed before a push is sent: there are the sale and its push, or neither."""
        await self.crash_at(*PLACES[:3])

    async def test_after_answer(self) -> None:
        """Killed before the answer is on the disk: it counts once all the same."""
        await self.crash_at(*PLACES[3:])

    async def test_unheard_answer(self) -> None:
        """Killed after it is sent and before it is answered: it comes again."""

        def kill(number: int) -> None:
            if number == 5 and self.received.count(5) == 1:
                self.kill(program)

        server = await self.serve(after=kill)
        program = self.start(server.url)
        self.assertEqual(await program.ended, -9)
        await self.finish(server.url)
        self.assertEqual(self.received.count(5), 2)
        self.assert_all_applied(COUNT)

    async def test_again_and_again(self) -> None:
        """Killed at random, before a push has its effect or after, time and again."""
        chance = random.Random(12)
        # Which of these moments, of which there are 26, the end of each start is.
        lives = [chance.randint(1, 5) for _ in range(5)]
        seen = 0

        def kill(number: int) -> None:
            nonlocal seen
            seen += 1
            if len(programs) <= len(lives) and seen == lives[len(programs) - 1]:
                self.kill(programs[-1])

        server = await self.serve(before=kill, after=kill)
        programs: list[Program] = []
        code = -9
        while code == -9:
            seen = 0
            programs.append(self.start(server.url, 13))
            code = await programs[-1].ended
        self.assertEqual((code, programs[-1].err.text), (0, ""))
        self.assertEqual(len(programs), len(lives) + 1)
        self.assertGreater(len(self.received), 13)
        self.assert_all_applied(13)

    async def test_server_down(self) -> None:
        """The server is down at the start: what was put comes later, a kill between."""
        server = await self.serve()
        await server.stop(drain=False)
        program = self.start(server.url)
        await program.out.wait_for(f"sold {COUNT}\n")
        program.interrupt("KILL")
        await program.ended
        program = self.start(server.url)
        await program.out.wait_for(f"sold {COUNT}\n")
        self.assertEqual(len(self.rows("*")), COUNT)
        await server.start()
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        self.assert_all_applied(COUNT)

    async def test_server_restarts(self) -> None:
        """The server goes with pushes unanswered: they come again."""

        def drop(number: int) -> None:
            if number == 7 and self.received.count(7) == 1:
                server.drop()

        server = await self.serve(after=drop)
        await self.finish(server.url)
        self.assertEqual(self.received.count(7), 2)
        self.assert_all_applied(COUNT)


class DemonstrationTests(TestCase):
    """The example, run without arguments."""

    timeout = 120
    skip = OutboxCase.skip

    async def test_demonstration(self) -> None:
        """It kills the program four times, and all orders count but the refused one."""
        program = start_program(self, os.fspath(EXAMPLE))
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        lines = program.out.text.splitlines()
        self.assertEqual(sum(line.startswith("killed ") for line in lines), 4)
        self.assertIn("sold 40", lines)
        numbers = " ".join(str(number) for number in range(40) if number != 13)
        self.assertRegex(lines[-1], rf"^\d+ pushes came, .*count: {numbers}$")

    def test_short(self) -> None:
        """It is short enough to be read, below its head."""
        program = EXAMPLE.read_text("utf-8").split('"""', 2)[2]
        self.assertLessEqual(len(program.splitlines()), 293)
