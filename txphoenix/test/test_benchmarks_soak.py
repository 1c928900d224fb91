"""The soak: what it checks, and what it says; the program is elsewhere.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import PushTimeout
from txphoenix.testing import FaultProxy

from .benchmark_runs import NOT_THERE
from .kit import KitTestCase

if NOT_THERE is None:
    from benchmarks.soak.checks import LogCheck, Order, check_reply
    from benchmarks.soak.faults import Faults, Spoiler
    from benchmarks.soak.ledger import Ledger, Verdict
    from benchmarks.soak.measures import BOUNDS, Held, allowed, grown
    from benchmarks.soak.messages import is_whole, sealed
    from benchmarks.soak.plan import make_plan
    from benchmarks.soak.progress import Progress
    from benchmarks.soak.recovery import Recovery
    from benchmarks.soak.room import Notes, Room
    from benchmarks.soak.seats import seats


def a_verdict() -> Any:
    """A verdict of which the moment is always the same."""
    return Verdict(lambda: "now", lambda line: None)


class LedgerTests(SynchronousTestCase):
    """Every Deferred that was handed out is accounted for."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Begin with none."""
        self.clock = Clock()
        self.ledger = Ledger(self.clock.seconds)

    def test_outcomes(self) -> None:
        """What was answered and what failed is counted, by class, and passed on."""
        answered: Deferred[Any] = Deferred()
        self.assertIs(self.ledger.watch("push", "1", answered), answered)
        failed = self.ledger.watch("push", "2", fail(PushTimeout(1.0)))
        answered.callback("reply")
        self.assertEqual(self.successResultOf(answered), "reply")
        self.failureResultOf(failed, PushTimeout)
        self.assertEqual(self.ledger.outcomes, {"push": {"ok": 1, "PushTimeout": 1}})
        self.assertEqual(self.ledger.total("push"), 2)
        self.assertEqual(self.ledger.count(), 0)

    def test_left(self) -> None:
        """One that has not fired is named, with its age."""
        self.ledger.watch("push", "7", Deferred())
        self.ledger.watch("receive", "soak:1:1", Deferred())
        self.clock.advance(2)
        self.assertEqual(
            list(self.ledger.left("receive")),
            ["the Deferred of push 7, 2.0 seconds old"],
        )
        self.assertEqual(self.ledger.count(), 2)
        self.assertEqual(self.ledger.count("receive"), 1)

    def test_verdict(self) -> None:
        """What is broken is told with its moment; of very much the first is kept."""
        told: list[str] = []
        verdict = Verdict(lambda: "now", told.append)
        for number in range(100):
            verdict.broken("it holds", number)
        self.assertEqual(verdict.count, 100)
        self.assertEqual(verdict.lines[0], "now: it holds: 0")
        self.assertEqual(told, [f"BROKEN {line}" for line in verdict.lines])
        self.assertEqual(len(verdict.lines), 50)


class MessageTests(SynchronousTestCase):
    """A payload shows whether it was changed."""

    skip = NOT_THERE

    def test_whole(self) -> None:
        """As it was sent it is whole."""
        payload = sealed(topic="t", n=1)
        self.assertTrue(is_whole(payload, "topic", "n"))

    def test_changed(self) -> None:
        """With another value, another type, a field less or more it is not."""
        payload = sealed(topic="t", n=1)
        for change in ({"topic": "u"}, {"n": 2}, {"n": "1"}, {"crc": 1}, {"more": 1}):
            self.assertFalse(is_whole({**payload, **change}, "topic", "n"), change)
        self.assertFalse(is_whole({"topic": "t"}, "topic", "n"))
        self.assertFalse(is_whole(None, "topic", "n"))

    def test_spoiler(self) -> None:
        """It changes one bit of each read, and the same ones for the same seed."""
        read = bytes(range(100))
        once, again = Spoiler(5, 1.0), Spoiler(5, 1.0)
        for _ in range(20):
            spoilt = once(read)
            self.assertEqual(spoilt, again(read))
            different = [a ^ b for a, b in zip(read, spoilt, strict=True) if a != b]
            self.assertEqual([it.bit_count() for it in different], [1])
        self.assertEqual(Spoiler(5, 0.0)(read), read)
        self.assertEqual(once(b""), b"")


class FaultTests(SynchronousTestCase):
    """What a step does to a client's line."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Have a line, of which nothing is connected."""
        self.line = FaultProxy(1, Clock())
        self.faults = Faults([self.line], {})

    def state(self) -> dict[str, Any]:
        """All that a step may set."""
        ways = {"to_client": self.line.to_client, "to_server": self.line.to_server}
        return {
            f"{way}.{k}": v for way, it in ways.items() for k, v in vars(it).items()
        }

    def test_lasting(self) -> None:
        """Each fault that lasts sets something, of which its end leaves nothing."""
        untouched = self.state()
        steps = {
            step.fault: step.as_json() | {"clients": [0]}
            for cycle in make_plan(1, 10, 50).cycles
            for step in cycle.steps
            if step.seconds and "direction" in step.details
        }
        lasting = {"stall", "hold", "trickle", "cut-after", "corrupt", "delay"}
        self.assertEqual(steps.keys(), lasting)
        for fault, step in steps.items():
            self.successResultOf(Deferred.fromCoroutine(self.faults.begin(step)))
            self.assertNotEqual(self.state(), untouched, fault)
            self.successResultOf(Deferred.fromCoroutine(self.faults.end(step)))
            self.assertEqual(self.state(), untouched, fault)

    def test_unknown(self) -> None:
        """What is no fault is an error, and not nothing."""
        details = {"direction": "to_client"}
        step = {"fault": "rot", "clients": [0], "details": details}
        begun = Deferred.fromCoroutine(self.faults.begin(step))
        self.failureResultOf(begun, ValueError)


class ReplyTests(SynchronousTestCase):
    """A reply belongs to the push that asked."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Push something."""
        self.verdict = a_verdict()
        self.push = sealed(id="1:1", topic="t", body="")

    def test_right(self) -> None:
        """What was pushed comes back."""
        self.assertTrue(check_reply(self.verdict, self.push, dict(self.push), False))
        self.assertEqual(self.verdict.count, 0)

    def test_astray(self) -> None:
        """Another's reply, whole, is one that went astray."""
        other = sealed(id="1:2", topic="t", body="")
        self.assertFalse(check_reply(self.verdict, self.push, other, False))
        self.assertIn("a reply belongs to the push that asked", self.verdict.lines[0])
        self.assertIn("1:2", self.verdict.lines[0])

    def test_changed(self) -> None:
        """A reply that was changed is told apart from one that went astray."""
        check_reply(self.verdict, self.push, {**self.push, "body": "y"}, False)
        self.assertIn("what is sent comes unchanged", self.verdict.lines[0])

    def test_on_a_line_that_changes_bytes(self) -> None:
        """There it is no reply to this push either, and nobody's fault."""
        for reply in ({**self.push, "body": "y"}, None):
            self.assertFalse(check_reply(self.verdict, self.push, reply, True))
        self.assertEqual(self.verdict.count, 0)


def message(join: int, number: int, topic: str = "t") -> dict[str, Any]:
    """What the server says by itself; its joins are numbered as their refs are."""
    return sealed(topic=topic, join_ref=str(join), join=join, n=number, body="")


class OrderTests(SynchronousTestCase):
    """No message comes twice, none out of order, and none is missing."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Begin with a channel that has heard nothing."""
        self.verdict = a_verdict()
        self.order = Order(self.verdict, "t")

    def take(self, *numbers: tuple[int, int], may_change: bool = False) -> None:
        """Take messages: the join, and the number in it."""
        for join, number in numbers:
            self.order.take(message(join, number), may_change, str(join))

    def test_in_order(self) -> None:
        """All of a join, and then all of a later one."""
        self.take((3, 0), (3, 1), (5, 0), (5, 1), (5, 2))
        self.assertEqual((self.verdict.count, self.order.count), (0, 5))

    def test_twice(self) -> None:
        """One that has come before."""
        self.take((3, 0), (3, 1), (3, 1))
        self.assertIn("no message comes twice or out of order", self.verdict.lines[0])

    def test_out_of_order(self) -> None:
        """Two that have changed places: one is missing, and then it is late."""
        self.take((3, 0), (3, 2), (3, 1))
        self.assertEqual(self.verdict.count, 2)

    def test_earlier_join(self) -> None:
        """One of a join that is over."""
        self.take((3, 0), (5, 0), (3, 1))
        self.assertIn("got 1 of join 3", self.verdict.lines[0])

    def test_missing(self) -> None:
        """One that is left out, in the middle or at the beginning of a join."""
        self.take((3, 0), (3, 2), (5, 1))
        self.assertEqual(self.verdict.count, 2)
        self.assertIn("no message is missing", self.verdict.lines[0])

    def test_join_given_up(self) -> None:
        """Of a join that is the channel's no more some may be missing, none is late."""
        self.order.take(message(3, 2), False, "5")
        self.order.take(message(3, 5), False, "5")
        self.assertEqual(self.verdict.count, 0)
        self.order.take(message(3, 5), False, "5")
        self.assertEqual(self.verdict.count, 1)
        self.take((5, 0), (5, 1))
        self.assertEqual(self.verdict.count, 1)

    def test_dropped(self) -> None:
        """Those that the channel says it dropped may be missing, and no more."""
        self.order.may_miss(2)
        self.take((3, 2), (3, 3))
        self.assertEqual(self.verdict.count, 0)
        self.take((3, 5))
        self.assertEqual(self.verdict.count, 1)

    def test_changed(self) -> None:
        """A changed one breaks what was promised, unless the line changes bytes."""
        for wrong in ({**message(1, 0), "n": 1}, message(1, 0, "u")):
            self.order.take(wrong, True, "1")
            self.assertEqual(self.verdict.count, 0)
            self.order.take(wrong, False, "1")
            self.assertEqual(self.verdict.count, 1)
            self.verdict.count = 0
        self.assertEqual(self.order.changed, 4)

    def test_on_a_line_that_changes_bytes(self) -> None:
        """There some may be missing, but none comes twice."""
        self.take((3, 0), (3, 5), may_change=True)
        self.assertEqual(self.verdict.count, 0)
        self.take((3, 5), may_change=True)
        self.assertEqual(self.verdict.count, 1)


class LogTests(SynchronousTestCase):
    """Nothing is left to the log."""

    skip = NOT_THERE

    def test_levels(self) -> None:
        """An error breaks what was promised, and a warning is counted."""
        verdict = a_verdict()
        check = LogCheck(verdict)
        check({"log_level": LogLevel.info})
        check({"log_level": LogLevel.warn})
        self.assertEqual((verdict.count, check.warnings), (0, 1))
        check({"log_level": LogLevel.critical, "log_format": "it raised"})
        self.assertIn("it raised", verdict.lines[0])


class GrowthTests(SynchronousTestCase):
    """What may grow, and how far."""

    skip = NOT_THERE

    def test_within(self) -> None:
        """As much as is allowed is no growth; a little more is, and is named."""
        first = Held(50_000, 100_000, 40_000, 5, 60, 80)
        most = Held(*(int(allowed(it, n, 50)) for it, n in first._asdict().items()))
        self.assertEqual(list(grown(first, most, 50)), [])
        for name in Held._fields:
            more = most._replace(**{name: getattr(most, name) + 1})
            (line,) = grown(first, more, 50)
            self.assertTrue(line.startswith(name), line)

    def test_leaks(self) -> None:
        """Something for each message is seen in a minute, whatever it is."""
        messages = 10_000
        for name in ("blocks", "objects", "calls", "deadlines", "files"):
            self.assertGreater(messages, allowed(name, 0, 50), name)
        self.assertEqual(BOUNDS.keys(), set(Held._fields))


class Seated:
    """A client as :class:`Recovery` sees it."""

    def __init__(self, number: int) -> None:
        self.seat = seats(number + 1)[number]
        self.is_back = True
        self.heard = 0


class RecoveryTests(SynchronousTestCase):
    """The longest time to be back."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Begin with two clients that are well."""
        self.clock = Clock()
        self.recovery = Recovery(self.clock.seconds)
        self.clients = [Seated(0), Seated(1)]

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and look."""
        self.clock.advance(seconds)
        self.recovery.look(self.clients)

    def test_from_the_end(self) -> None:
        """It runs from the fault's end until the client is joined and hears again."""
        (client, _) = self.clients
        self.recovery.begin([client])
        client.is_back = False
        self.pass_time(5)
        self.assertEqual(self.recovery.longest.seconds, 0)
        self.recovery.end([client], "hold")
        self.pass_time(2)
        client.is_back = True
        self.pass_time(1)
        client.heard += 1
        self.pass_time(0.5)
        self.pass_time(10)
        self.assertEqual(self.recovery.longest, (3.5, "client 0 (WebSocket)", "hold"))

    def test_another_fault(self) -> None:
        """Another fault meanwhile ends the measurement, and two end with the last."""
        (client, _) = self.clients
        self.recovery.begin([client])
        self.recovery.end([client], "cut")
        self.recovery.begin([client])
        self.recovery.begin([client])
        self.pass_time(20)
        self.recovery.end([client], "hold")
        self.pass_time(20)
        self.assertEqual(self.recovery.longest.seconds, 0)
        self.recovery.end([client], "restart")
        self.pass_time(3)
        self.assertEqual(self.recovery.longest.fault, "restart")


class ProgressTests(SynchronousTestCase):
    """How far it is."""

    skip = NOT_THERE

    def test_pipe(self) -> None:
        """Into a pipe it is plain lines, one in five seconds, and all that is said."""
        stream = io.StringIO()
        progress = Progress(stream)
        for second in range(11):
            progress.status(second, f"second {second}")
        progress.say("done")
        self.assertEqual(stream.getvalue(), "second 0\nsecond 5\nsecond 10\ndone\n")

    def test_terminal(self) -> None:
        """On a terminal one line changes, and a shorter one leaves nothing of it."""
        stream = io.StringIO()
        stream.isatty = lambda: True  # type: ignore[method-assign]
        progress = Progress(stream)
        progress.status(0, "longer")
        progress.status(0.1, "short")
        progress.say("done")
        self.assertEqual(stream.getvalue(), "\rlonger\rshort \r     \rdone\n")


class RoomTests(KitTestCase):
    """The server's channels."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Join one."""
        self.notes = Notes()
        room: Any = type("Room", (Room,), {"notes": self.notes})
        self.server = self.serve({"soak:*": room})
        self.client = self.talker()
        self.client.join("soak:1:1")

    def say(self, event: str, payload: Any) -> Any:
        """Push something, and hear what comes of it."""
        return self.client.say("1", "2", "soak:1:1", event, payload)

    def test_echo(self) -> None:
        """A push comes back as it was, and is counted."""
        payload = sealed(id="1", topic="soak:1:1", body="")
        (reply,) = self.say("echo", payload)
        self.assertEqual(reply[4], {"status": "ok", "response": payload})
        self.assertEqual(self.notes.counts["pushes"], 1)
        self.assertEqual(self.notes.wrong, [])

    def test_twice(self) -> None:
        """The same push again is wrong, and named."""
        payload = sealed(id="1", topic="soak:1:1", body="")
        self.say("echo", payload)
        self.say("echo", payload)
        self.assertEqual(self.notes.wrong, ["push 1 came to soak:1:1 twice"])

    def test_changed(self) -> None:
        """A push that was changed, or was for another channel, is refused."""
        for payload in ({"id": "1"}, sealed(id="1", topic="soak:1:2", body="")):
            (reply,) = self.say("echo", payload)
            self.assertEqual(reply[4]["response"], {"reason": "changed"})
        self.assertEqual(self.notes.counts["changed pushes"], 2)

    def test_numbers(self) -> None:
        """What it says is numbered from 0 in each join, with a join_ref or without."""
        (channel,) = self.server.channels("soak:1:1")
        channel.tick()  # type: ignore[attr-defined]
        channel.tick(by_broadcast=True)  # type: ignore[attr-defined]
        heard = self.client.heard()
        self.assertEqual([it[4]["n"] for it in heard], [0, 1])
        self.assertEqual([it[0] for it in heard], ["1", None])
