"""The comparison with phoenix.js, as far as it needs no Node.

``python -m interop`` is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import Frame

from .clone import ROOT, clone_on_path

NOT_THERE = None if (ROOT / "interop").is_dir() else "installed without interop"

if NOT_THERE is None:
    with clone_on_path():
        from interop import environment
        from interop.command import CANNOT_RUN, main
        from interop.compare import Run, faults
        from interop.environment import PHOENIX_JS
        from interop.phoenix_js import OFFICIAL
        from interop.results import Result, Tally
        from interop.scenarios import SCENARIOS
        from interop.script import Difference, Scenario, act, only, wait
        from interop.side_by_side import list_scenarios
        from interop.trace import RefNumbers, Unlike, differences, trace
        from interop.txphoenix_client import TxphoenixClient


def executable(case: SynchronousTestCase, name: str, text: str) -> str:
    """A directory with one program, a shell script."""
    directory = Path(case.mktemp())
    directory.mkdir()
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return os.fspath(directory)


class EnvironmentTests(SynchronousTestCase):
    """What is said where something is missing."""

    skip = NOT_THERE

    def use_path(self, path: str) -> None:
        """Look for programs there, and be in no environment of tox."""
        self.patch(os, "environ", {"PATH": path})

    def test_no_node(self) -> None:
        """Without Node the text says how to get it."""
        self.use_path("/nowhere")
        with self.assertRaisesRegex(environment.Missing, "no `node`.*apt-get install"):
            environment.find_node()

    def test_old_node(self) -> None:
        """A Node that is too old is named with its version."""
        self.use_path(executable(self, "node", "echo v16.20.2"))
        with self.assertRaisesRegex(environment.Missing, r"v16\.20\.2.*too old"):
            environment.find_node()

    def test_broken_node(self) -> None:
        """A Node that does not run is none."""
        self.use_path(executable(self, "node", "exit 3"))
        with self.assertRaisesRegex(environment.Missing, "does not run"):
            environment.find_node()

    def test_node(self) -> None:
        """A Node that is new enough is found on the path."""
        directory = executable(self, "node", "echo v18.0.0")
        self.use_path(directory)
        self.assertEqual(environment.find_node(), os.path.join(directory, "node"))

    def test_versions(self) -> None:
        """What is no version is not new enough."""
        for version, is_new in (("v18.1.0", True), ("v100.0.0", True), ("", False)):
            self.assertIs(environment.is_new_enough(version), is_new, version)

    def test_no_npm(self) -> None:
        """Without npm nothing is installed."""
        self.use_path("/nowhere")
        with self.assertRaisesRegex(environment.Missing, "no `npm`"):
            environment.install(PHOENIX_JS, Path(self.mktemp()))

    def test_nowhere_to_install(self) -> None:
        """Without a directory and without tox nothing is installed."""
        self.use_path("/nowhere")
        with self.assertRaisesRegex(environment.Missing, "--packages DIRECTORY"):
            environment.install(PHOENIX_JS, None)

    def test_failing_npm(self) -> None:
        """An npm that fails is told."""
        self.use_path(executable(self, "npm", "exit 7"))
        with self.assertRaisesRegex(environment.Missing, "status 7.*registry"):
            environment.install(PHOENIX_JS, Path(self.mktemp()))

    def test_packages(self) -> None:
        """The packages are where they were installed, both of them."""
        directory = Path(self.mktemp())
        for name in PHOENIX_JS.releases:
            with self.assertRaisesRegex(environment.Missing, "--install"):
                environment.find_packages(PHOENIX_JS, directory)
            (directory / "node_modules" / name).mkdir(parents=True)
        self.assertEqual(
            environment.find_packages(PHOENIX_JS, directory), directory.resolve()
        )
        self.patch(os, "environ", {"TOX_ENV_DIR": os.fspath(directory)})
        with self.assertRaisesRegex(environment.Missing, "phoenixjs"):
            environment.find_packages(PHOENIX_JS, None)

    def test_pins(self) -> None:
        """Exact releases are installed."""
        for version in PHOENIX_JS.releases.values():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")

    def test_exit_code(self) -> None:
        """The program says what is missing, and its exit code is compliance's."""
        self.use_path("/nowhere")
        said = io.StringIO()
        with redirect_stderr(said):
            code = main(OFFICIAL, [])
        self.assertEqual(code, CANNOT_RUN)
        self.assertRegex(said.getvalue(), "^cannot run: there is no `node`")


class FakeSocket:
    """What a trace reads of a socket."""

    transport = "websocket"
    auth_token: str | None = None

    def __init__(self, name: str = "main", **params: Any) -> None:
        self.params = {"socket": name, **params}


class FakeSession:
    """What a trace reads of a session."""

    def __init__(self, *frames: Frame, socket: FakeSocket | None = None) -> None:
        from txphoenix.testing.codec import ServerV2Codec

        self.codec = ServerV2Codec()
        self.socket = socket or FakeSocket()
        self.frames = list(frames)


def text(who: str, data: str) -> Frame:
    """A frame of text, of the client (``C``) or the server (``S``)."""
    return Frame(who == "S", data.encode("utf-8"), False)


def lines_of(*sessions: Any, told: Any = None) -> list[str]:
    """The trace of sessions, of which nothing is wrong."""
    lines, wrong = trace(sessions, told or {"outcomes": {}, "heard": {}})
    if wrong:
        raise AssertionError(wrong)
    return lines


class TraceTests(SynchronousTestCase):
    """What is made of frames."""

    skip = NOT_THERE

    def test_numbers(self) -> None:
        """Whatever refs a client takes, the same roles have the same numbers."""
        traces = [
            lines_of(
                FakeSession(
                    text("C", f'["{a}","{a}","t","phx_join",{{}}]'),
                    text("S", f'["{a}","{a}","t","phx_reply",{{"status":"ok"}}]'),
                    text("C", f'["{a}","{b}","t","e",1]'),
                )
            )
            for a, b in (("1", "2"), ("3", "17"))
        ]
        self.assertEqual(traces[0], traces[1])
        self.assertEqual(traces[0][1], 'C> ["1", "1", "t", "phx_join", {}]')

    def test_other_roles(self) -> None:
        """A reply to another message, and another join_ref, are not the same."""
        join = text("C", '["3","3","t","phx_join",{}]')
        push = text("C", '["3","4","t","e",{}]')
        right = lines_of(FakeSession(join, push, text("S", '["3","4","t","x",1]')))
        for wrong in (
            '["3","3","t","x",1]',
            '["4","4","t","x",1]',
            '[null,"4","t","x",1]',
        ):
            line = lines_of(FakeSession(join, push, text("S", wrong)))[-1]
            self.assertNotEqual(line, right[-1])

    def test_unknown_ref(self) -> None:
        """A ref that the client has never sent is shown as it is."""
        line = lines_of(FakeSession(text("S", '["9",null,"t","e",1]')))[-1]
        self.assertEqual(line, 'S< ["unknown 9", null, "t", "e", 1]')

    def test_ref_used_twice(self) -> None:
        """A ref that is used for two messages is wrong."""
        push = text("C", '[null,"4","t","e",{}]')
        told: Any = {"outcomes": {}, "heard": {}}
        _, wrong = trace([FakeSession(push, push)], told)  # type: ignore[list-item]
        self.assertEqual(wrong, ["socket main: ref '4' was used twice"])

    def test_sockets(self) -> None:
        """Each socket has its own refs, over all its sessions."""
        frames = [text("C", f'[null,"{n}","t","e",{{}}]') for n in (5, 6)]
        lines = lines_of(
            FakeSession(frames[0]),
            FakeSession(frames[0], socket=FakeSocket("other")),
            FakeSession(frames[1]),
        )
        self.assertEqual([line[11] for line in lines[1::2]], ["1", "1", "2"])

    def test_binary(self) -> None:
        """Binary frames are told from text, with their bytes."""
        data = b"\x00\x01\x01\x01\x0111te\x00\xff"
        push = Frame(False, data, True)
        shout = Frame(True, b"\x02\x01\x01te\xfe", True)
        self.assertEqual(
            lines_of(FakeSession(push, shout))[1:],
            [
                'C> binary ["1", "1", "t", "e", {"bytes": "00ff"}]',
                'S< binary [null, null, "t", "e", {"bytes": "fe"}]',
            ],
        )

    def test_presences(self) -> None:
        """Refs of presences are numbered, and stay apart from each other."""
        frames = [
            text("S", f'[null,null,"t","e",[{{"phx_ref":"{ref}"}}]]') for ref in "aba"
        ]
        lines = lines_of(FakeSession(*frames))[1:]
        self.assertEqual(lines[0], lines[2])
        self.assertNotEqual(lines[0], lines[1])

    def test_connect(self) -> None:
        """A session begins with what the server knows of it."""
        socket = FakeSocket(a=[1], token="SFMyNTY.x.y")
        socket.auth_token = "T"
        (line,) = lines_of(FakeSession(socket=socket))
        self.assertRegex(line, r'^connect websocket \{"a": \[1\], .*gone"\} token T$')

    def test_told(self) -> None:
        """How things have ended, and what was heard, follows."""
        told = {
            "outcomes": {"push": ["ok", {"b": 1, "a": 2}], "other": "pending"},
            "heard": {"a": [["news", {"phx_ref": "x"}]]},
        }
        self.assertEqual(
            lines_of(told=told),
            [
                'push: ok {"a": 2, "b": 1}',
                "other: pending",
                'a hears news {"phx_ref": "presence 1"}',
            ],
        )

    def test_ref_of_none(self) -> None:
        """A ref of none stays none."""
        numbers = RefNumbers()
        self.assertIsNone(numbers.sent(None))
        self.assertIsNone(numbers.known(None))


class CompareTests(SynchronousTestCase):
    """What counts as the same."""

    skip = NOT_THERE

    difference = ("reason", ("b",), ("c",))

    def run_of(self, *frames: str, posts: tuple[str, ...] = ()) -> Run:
        """A run of which nothing else is wrong."""
        return Run(list(frames), list(posts), [])

    def scenario(self, **options: Any) -> Scenario:
        """A scenario."""
        return Scenario("name", "title", (), **options)

    def test_alike(self) -> None:
        """The same lines are alike."""
        one = self.run_of("a", "b")
        self.assertEqual(faults(OFFICIAL, self.scenario(), "websocket", one, one), [])

    def test_unlike(self) -> None:
        """Another line, one more, one less, and another order are told."""
        right = self.run_of("a", "b", "c")
        for frames in (
            ("a", "x", "c"),
            ("a", "b", "c", "c"),
            ("a", "b"),
            ("b", "a", "c"),
        ):
            found = faults(
                OFFICIAL, self.scenario(), "websocket", right, self.run_of(*frames)
            )
            self.assertEqual(len(found), 1, frames)
            self.assertIn("they should be alike", found[0])

    def test_expected(self) -> None:
        """The difference that is expected must be there, and no other."""
        scenario = self.scenario(difference=Difference(*self.difference))
        one = self.run_of("a", "b", "d")
        self.assertEqual(
            faults(OFFICIAL, scenario, "websocket", one, self.run_of("a", "c", "d")), []
        )
        for other in (one, self.run_of("a", "x", "d"), self.run_of("a", "c")):
            found = faults(OFFICIAL, scenario, "websocket", one, other)
            self.assertIn("they should be otherwise (reason)", found[0])

    def test_both_ways(self) -> None:
        """Who has which line matters."""
        scenario = self.scenario(difference=Difference(*self.difference))
        runs = self.run_of("c"), self.run_of("b")
        self.assertNotEqual(faults(OFFICIAL, scenario, "websocket", *runs), [])

    def test_posts(self) -> None:
        """Over long-poll the publishes must be the same, or as expected."""
        two = self.run_of("a", posts=("publish of 2",))
        ones = self.run_of("a", posts=("publish of 1", "publish of 1"))
        plain = self.scenario()
        self.assertEqual(faults(OFFICIAL, plain, "longpoll", two, two), [])
        self.assertEqual(faults(OFFICIAL, plain, "websocket", two, ones), [])
        self.assertEqual(len(faults(OFFICIAL, plain, "longpoll", two, ones)), 1)
        expected = self.scenario(
            posts=Difference("reason", tuple(two.posts), tuple(ones.posts))
        )
        self.assertEqual(faults(OFFICIAL, expected, "longpoll", two, ones), [])
        self.assertNotEqual(faults(OFFICIAL, expected, "longpoll", two, two), [])

    def test_refs(self) -> None:
        """What is wrong with the refs is wrong with the scenario."""
        bad = Run([], [], ["ref '4' was used twice"])
        found = faults(OFFICIAL, self.scenario(), "websocket", self.run_of(), bad)
        self.assertEqual(found, bad.faults)

    def test_differences(self) -> None:
        """The lines that only one of the two has are found."""
        self.assertEqual(differences("abcd", "axcdy"), Unlike(("b",), ("x", "y")))


class ResultTests(SynchronousTestCase):
    """What is told."""

    skip = NOT_THERE

    def test_tally(self) -> None:
        """Each result has its line, what is wrong is below, and all is counted."""
        tally = Tally(2)
        self.assertEqual(tally.lines(Result("one", [])), ["[1/2] passed  one"])
        self.assertEqual(
            tally.lines(Result("two", ["bad\nworse"])),
            ["[2/2] FAILED  two", "    bad", "    worse"],
        )
        # As pytest has it, so that .ci/run can add it up.
        self.assertEqual(tally.summary(1.234), "1 passed, 1 failed in 1.23s")


class ScriptTests(SynchronousTestCase):
    """The scenarios as data."""

    skip = NOT_THERE

    def test_unknown_words(self) -> None:
        """An action and a wait that do not exist are errors where they stand."""
        with self.assertRaisesRegex(ValueError, "no action 'jump'"):
            act(("jump", "a"))
        with self.assertRaisesRegex(ValueError, "'tea'"):
            wait("tea")

    def test_names(self) -> None:
        """No two scenarios have one name."""
        names = [scenario.name for scenario in SCENARIOS]
        self.assertEqual(len(names), len(set(names)))

    def test_over(self) -> None:
        """Each scenario runs over each of its transports."""
        count = sum(len(scenario.over) for scenario in SCENARIOS)
        self.assertEqual(len(list_scenarios(OFFICIAL)), count)

    def test_only(self) -> None:
        """A step may be for one client alone."""
        self.assertEqual(only("txphoenix", act()).client, "txphoenix")
        self.assertIsNone(act().client)

    def test_every_action(self) -> None:
        """Our client knows every action that the scenarios have."""
        used = {
            action[0]
            for scenario in SCENARIOS
            for step in scenario.steps
            if step.kind == "act"
            for action in step.words
        }
        for name in used:
            self.assertTrue(hasattr(TxphoenixClient, f"_{name}"), name)


class ClientTests(SynchronousTestCase):
    """Our client, told to do things."""

    skip = NOT_THERE

    def test_waits_in_vain(self) -> None:
        """What does not come is given up, with its name."""
        from twisted.internet.defer import Deferred

        clock = Clock()
        client = TxphoenixClient(clock, "websocket", "ws://127.0.0.1:1/socket")
        client._outcomes["push"] = "pending"
        waiting = Deferred.fromCoroutine(client.wait("outcome", "push"))
        self.assertNoResult(waiting)
        clock.pump([0.1] * 100)
        error = self.failureResultOf(waiting, AssertionError).value
        self.assertEqual(str(error), "waited in vain for outcome push")
