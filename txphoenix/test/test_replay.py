"""Our client in the recorded situations: those it never gets into, and all of them.

A recording also shows what servers do with what no right client sends.
There the server's answer is given to our client, which must live on.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SerializerError

from . import (
    test_replay_closes,
    test_replay_conversation,
    test_replay_handshake,
    test_replay_presence,
)
from .recorded_frames import read_frame, with_refs
from .recordings import RECORDINGS, Closed, Happening, Remark, WireFrame, recording
from .replay import Replay, ReplayTestCase, replays
from .wire_client import TEXT

NEED_LONG_POLL = ("long-poll",)
"""The sections that need the long-poll transport."""

ODD_REFS = "refs of other types; join_ref null; no ref"
BAD_INPUT = "bad input: each on a fresh socket"
NOT_UTF8 = "text frame that is not UTF-8"
UNMASKED = "unmasked frame"
FRAGMENTS = "fragmented text message"
PINGS = "pings (not heartbeats) every 0.7 s on /shorttimeout"

NEVER_SENT = {
    ODD_REFS: "our refs are strings, each push has one, and its channel's join_ref",
    BAD_INPUT: "our serializer writes five fields, and topic and event are strings",
    NOT_UTF8: "our text is what an encoder of JSON made",
    UNMASKED: "our frames are all masked",
    FRAGMENTS: "our messages are each in one frame",
    PINGS: "our client has heartbeats, and no WebSocket pings",
}
"""The sections whose frames our client never sends, and why."""

SENT_OTHERWISE = {
    "client pings; client closes 1000, 4001, and without a code": (
        "our client has no WebSocket pings, and its close always has a code"
    ),
    "unmatched topic: join; push to a topic never joined; leave of one never joined": (
        "the recorder made up join_refs for a topic without a join; ours are null"
    ),
    "second join of a joined topic": (
        "a second join() is refused; what joins again is a channel that crashed here,"
        " and it leaves first"
    ),
    "V1 serializer (vsn=1.0.0)": (
        "our join has a join_ref; the recorder's had not, and the server needs none"
    ),
}
"""The sections that are replayed, but where our client does not all that the recorder
did, or does it for another reason."""


class NeverSentTests(ReplayTestCase):
    """What the server answered to others does our client no harm."""

    def check_alive(self, replay: Replay) -> None:
        """See that the client's connection is open, and that it hears."""
        replay.play_section("heartbeat")

    @replays(ODD_REFS)
    def test_odd_refs(self, replay: Replay) -> None:
        """Replies whose ref is an integer, another's or null find nobody."""
        replay.play(recording(self.flavour).section("join, then pushes").happenings[:2])
        client = replay.client()
        for frame in replay.take_rest():
            assert isinstance(frame, WireFrame)
            if frame.is_sent_by_server:
                client.receive(frame)
        self.assertEqual([each.ref for each in client.messages[1:]], ["11", "12", None])
        self.assertEqual(client.channel("echo:a").state, "joined")
        self.assertEqual(client.events, [])
        self.check_alive(replay)

    @replays(ODD_REFS)
    def test_integer_ref(self, replay: Replay) -> None:
        """A reply with our own ref as an integer fires the push all the same."""
        replay.play(recording(self.flavour).section("join, then pushes").happenings[:2])
        sent, answer = replay.take_rest()[:2]
        assert isinstance(sent, WireFrame)
        assert isinstance(answer, WireFrame)
        client = replay.client()
        channel = client.channel("echo:a")
        _, _, _, event, payload = read_frame(sent)
        pushed = channel.push(event, payload)
        replay.server.flush()
        client.compare(sent)
        ref = client.refs.ours(11)
        assert ref is not None
        client.connection.send(with_refs(answer, channel.join_ref, int(ref)))
        replay.server.flush()
        self.assertEqual(self.successResultOf(pushed), payload)

    @replays(BAD_INPUT)
    def test_bad_input(self, replay: Replay) -> None:
        """Closes are told with their code, and answers to others change nothing.

        The joins among them are ours to send, but for an element too many.
        """
        rest = replay.take_rest()
        for sent, answer in zip(rest[::2], rest[1::2], strict=True):
            assert isinstance(sent, WireFrame)
            replay.fresh_client()
            if isinstance(answer, Closed):
                self.check_close(replay, answer)
            elif b"phx_join" in sent.data and b'"echo:a"' in sent.data:
                ours = sent.data.replace(b',"extra"]', b"]")
                replay.play([WireFrame(False, "", ours), answer])
            else:
                self.check_dropped(replay, answer)

    def check_close(self, replay: Replay, closed: Closed) -> None:
        """See that the user is told the code, and that the client comes back."""
        replay.play([closed])
        replay.client().come_back()
        self.check_alive(replay)

    def check_dropped(self, replay: Replay, answer: Happening) -> None:
        """See that a frame which is no message is reported, counted and dropped."""
        assert isinstance(answer, WireFrame)
        client = replay.client()
        client.connection.send(answer.data)
        replay.server.flush()
        [error] = client.errors
        assert isinstance(error, SerializerError)
        self.assertIn("topic", str(error))
        self.assertEqual(client.client.get_state("dropped_frames"), 1)
        self.assertEqual(client.messages, [])
        self.check_alive(replay)

    @replays(NOT_UTF8)
    def test_not_utf8(self, replay: Replay) -> None:
        """1007 is told like any other code."""
        _, closed = replay.take_rest()
        assert isinstance(closed, Closed)
        self.check_close(replay, closed)

    @replays(UNMASKED)
    def test_unmasked(self, replay: Replay) -> None:
        """1002 as well."""
        [closed] = replay.take_rest()
        assert isinstance(closed, Closed)
        self.check_close(replay, closed)

    @replays(PINGS)
    def test_heartbeats_instead_of_pings(self, replay: Replay) -> None:
        """Where the recorder sent pings, our client sends the recorded heartbeat."""
        [remark] = replay.take_rest()
        self.assertEqual(remark, Remark("still open after 3.5 s: true"))
        client = replay.client(heartbeat_interval=0.7)
        sent, answer = recording(self.flavour).section("heartbeat").frames()
        for _ in range(5):
            replay.server.advance(0.7)
            client.compare(sent)
            replay.play([answer])
        self.assertTrue(client.client.connected)

    @replays(FRAGMENTS)
    def test_fragments(self, replay: Replay) -> None:
        """Our join is one frame; an answer in three frames would be one message."""
        remark, answer = replay.take_rest()
        self.assertEqual(remark, Remark("3 fragments"))
        assert isinstance(answer, WireFrame)
        client = replay.client()
        join = WireFrame(False, "", b'["1","1","echo:a","phx_join",{}]')
        replay.play([join])
        data = with_refs(answer, client.refs.ours("1"), client.refs.ours("1"))
        for start, opcode in ((0, TEXT), (10, 0), (20, 0)):
            is_last = start == 20
            part = data[start:] if is_last else data[start : start + 10]
            client.connection.send_frame(opcode, part, is_last)
        replay.server.flush()
        response = read_frame(answer).payload["response"]
        self.assertEqual(client.outcome("1"), response)
        self.assertEqual(client.channel("echo:a").state, "joined")


class Bandit18Tests(NeverSentTests, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(NeverSentTests, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(NeverSentTests, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"


class CompletenessTests(SynchronousTestCase):
    """Nothing in the recordings is passed over, and nothing is said of what is not."""

    situations: tuple[type[ReplayTestCase], ...] = (
        test_replay_conversation.ConversationTests,
        test_replay_closes.CloseTests,
        test_replay_presence.PresenceTests,
        test_replay_handshake.HandshakeTests,
    )

    def titles(self, *cases: type[ReplayTestCase]) -> set[str]:
        """The sections that the tests of these classes play to their end."""
        return {
            method.replayed_section
            for case in cases
            for method in vars(case).values()
            if hasattr(method, "replayed_section")
        }

    def test_every_section(self) -> None:
        """Each section of each recording is replayed, or in one of the two tables."""
        replayed = self.titles(*self.situations)
        self.assertEqual(replayed & {*NEVER_SENT, *NEED_LONG_POLL}, set())
        for flavour in RECORDINGS:
            titles = [section.title for section in recording(flavour).sections]
            self.assertEqual(
                sorted(titles), sorted([*replayed, *NEVER_SENT, *NEED_LONG_POLL])
            )

    def test_never_sent(self) -> None:
        """Each section that is said never to be sent has its answers tested."""
        self.assertEqual(self.titles(NeverSentTests), {*NEVER_SENT})

    def test_sent_otherwise(self) -> None:
        """Each section that is said to be replayed otherwise is replayed."""
        self.assertLessEqual({*SENT_OTHERWISE}, self.titles(*self.situations))

    def test_each_recording_is_replayed(self) -> None:
        """Each class of tests runs with each recording."""
        for case in (*self.situations, NeverSentTests):
            subclasses: Sequence[type[ReplayTestCase]] = case.__subclasses__()
            flavours = sorted(each.flavour for each in subclasses)
            self.assertEqual(flavours, sorted(RECORDINGS), case)
