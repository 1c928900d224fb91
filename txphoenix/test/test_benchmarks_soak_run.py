"""The soak as a program: that it holds, and that it can fail.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from .benchmark_runs import NOT_THERE, ROOT

if NOT_THERE is None:
    from benchmarks.soak.__main__ import parse
    from benchmarks.soak.planted import FAULTS


def soak(*arguments: str) -> Deferred[Any]:
    """Run it; fires with what was printed and the exit code."""
    outcome: Deferred[Any] = getProcessOutputAndValue(
        sys.executable,
        ["-m", "benchmarks.soak", "--seed", "12", *arguments],
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    return outcome


SHORT = ("--clients", "10", "--minutes", "0.05")


class RunTests(TestCase):
    """The program as a whole, over TCP, with ten clients and for seconds."""

    skip = NOT_THERE
    timeout = 240

    async def test_holds(self) -> None:
        """Each transport lives through each fault; the summary has what was asked."""
        out, err, code = await soak(*SHORT)
        self.assertEqual(code, 0, (out + err).decode())
        self.assertIn(b"Every invariant held.", out)
        self.assertIn(b"python -m benchmarks.soak --minutes 0.05 --seed 12", err)
        for shown in (
            b"pushes ",
            b"messages ",
            b"reconnects ",
            b"longest time to be back ",
            b"resident ",
            b"objects ",
            b"calls ",
            b"files ",
        ):
            self.assertIn(shown, out)

    async def test_fails(self) -> None:
        """What breaks a promise fails the run; which promise, and when, is told.

        Here a reply reaches another push, and the reactor holds something after a stop.
        """
        planted = ("--plant", "reply-astray", "--plant", "call-after-stop")
        out, err, code = await soak(*SHORT, *planted)
        self.assertEqual(code, 1, err.decode())
        self.assertRegex(
            out.decode(),
            r"BROKEN at [0-9.]+ s, in cycle [0-9]: "
            r"a reply belongs to the push that asked: the reply to \S+ is that to \S+",
        )
        self.assertIn(b"a stop leaves nothing to the reactor", out)
        self.assertNotIn(b"Every invariant held.", out)
        self.assertIn(b"BROKEN", err)

    async def test_plan(self) -> None:
        """The plan is printed, and nothing is run."""
        out, _, code = await soak("--plan")
        self.assertEqual(code, 0)
        self.assertIn(b"cycle 3\n", out)
        self.assertEqual((await soak("--plan"))[0], out)

    async def test_unknown_fault(self) -> None:
        """A fault that nobody can plant is an error of the command line."""
        _, err, code = await soak("--plant", "rot")
        self.assertEqual(code, 2)
        self.assertIn(b"invalid choice: 'rot'", err)


class CommandLineTests(SynchronousTestCase):
    """What it is told."""

    skip = NOT_THERE

    def test_defaults(self) -> None:
        """A minute of fifty clients, by a seed of its own each time."""
        wanted = parse([])
        self.assertEqual((wanted.minutes, wanted.clients), (1.0, 50))
        self.assertNotEqual(wanted.seed, parse([]).seed)

    def test_wrong(self) -> None:
        """No time and no clients are errors."""
        self.patch(sys, "stderr", io.StringIO())
        for wrong in (["--minutes", "0"], ["--clients", "0"]):
            with self.assertRaises(SystemExit):
                parse(wrong)

    def test_faults(self) -> None:
        """Each fault that can be planted is taken."""
        for name in FAULTS:
            self.assertEqual(parse(["--plant", name]).plant, [name])
