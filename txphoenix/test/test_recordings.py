"""The server of the kit answers as the recorded Phoenix servers did.

Each section of the three recordings is played, with the real bytes, to the same
application on our server of that flavour; the handshakes are in
:mod:`.test_recorded_handshakes`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import MemoryServer

from .recorded_app import recorded_memory_server
from .recordings import (
    RECORDINGS,
    Closed,
    Control,
    Exchange,
    Happening,
    Pong,
    Recording,
    Remark,
    Section,
    WireFrame,
    comparable,
    recording,
)
from .wire_client import (
    PING,
    WireClient,
    client_frame,
)

if TYPE_CHECKING:
    _TestCase = SynchronousTestCase
else:
    _TestCase = object

OVER_HTTP = ("long-poll",)
"""The sections that :mod:`.test_recorded_longpoll` plays."""

ONE_CONVERSATION = (
    "heartbeat",
    "join, then pushes",
    "refs of other types; join_ref null; no ref",
    "stale join_ref",
    "payload of other types",
    "binary: layouts (push 00 -> reply 01, push 00, broadcast 02)",
    "unmatched topic: join; push to a topic never joined; leave of one never joined",
    "second join of a joined topic",
    "leave with a stale join_ref, then a right one",
    "stop, stop_reply, stop_shutdown, stop_error, crash, unknown event",
    "room joins",
)
"""The sections that follow each other on one connection."""

SLOW_JOIN = "a slow join holds the whole socket: heartbeat 0.2 s after it"


class Conversation:
    """Clients of one server, and what they should have seen so far."""

    def __init__(self, test: SynchronousTestCase, flavour: str) -> None:
        self.test = test
        self.server: MemoryServer = recorded_memory_server(flavour=flavour)
        self.clients: dict[str, WireClient] = {}
        self.expected: dict[str, list[Happening]] = {}

    def connect(
        self, name: str = "", target: str = "/socket/websocket?vsn=2.0.0"
    ) -> WireClient:
        """A new connection for a client of that name."""
        client: WireClient = WireClient.connect(self.server, name=name)
        client.open(target)
        self.server.flush()
        self.test.assertIn(b" 101 ", client.head)
        self.clients[name] = client
        self.expected[name] = []
        return client

    def play(self, section: Section) -> None:
        """Send what the recorded clients sent, and compare what comes with theirs."""
        for happening in section.happenings:
            self.happen(happening)
        self.check()

    def happen(self, happening: Happening) -> None:
        """One line of the recording."""
        if isinstance(happening, WireFrame) and not happening.is_sent_by_server:
            # What the real server had sent by now ours must have sent, too.
            self.check()
            client = self.clients[happening.client]
            client.send(happening.data, happening.is_binary)
            self.server.flush()
        elif isinstance(happening, (WireFrame, Closed, Pong)):
            self.expected[happening.client].append(happening)
        elif isinstance(happening, Control):
            self.control(happening)
        else:
            self.test.assertIsInstance(happening, Remark)

    def control(self, control: Control) -> None:
        """What the recording asked of the server by other means."""
        _, _, value = control.query.partition("=")
        match control.path:
            case "/control/drop":
                self.server.drop(f"user_socket:{value}")
            case "/control/drain":
                self.server.drain(f"user_socket:{value}")
            case "/control/kill_channels":
                self.server.kill_channel(value)
            case path:
                self.test.fail(f"unknown control {path}")
        self.server.flush()

    def check(self) -> None:
        """Compare what has come with the recording."""
        self.test.assertEqual(
            [_comparable(client.happenings) for client in self.clients.values()],
            [_comparable(self.expected[name]) for name in self.clients],
        )

    def drop_all(self) -> None:
        """End the conversation; nothing of the server may remain on the clock."""
        self.server.stop()
        self.server.advance(2.0)
        self.test.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.test.assertEqual(self.server.pairs, [])


def _comparable(happenings: list[Happening]) -> list[Any]:
    frames = [it for it in happenings if isinstance(it, WireFrame)]
    compared = iter(comparable(frames))
    return [next(compared) if isinstance(it, WireFrame) else it for it in happenings]


class PlayedRecording(_TestCase):
    """A test for each section, to be mixed with a test case for each recording."""

    flavour: ClassVar[str]

    def recording(self) -> Recording:
        """The recording."""
        return recording(self.flavour)

    def conversation(self) -> Conversation:
        """A new server of the recording's flavour."""
        conversation = Conversation(self, self.flavour)
        self.addCleanup(conversation.drop_all)
        return conversation

    def play(self, title: str, *targets: tuple[str, str]) -> Conversation:
        """Play a section with clients of these names on these targets."""
        conversation = self.conversation()
        for name, target in targets or [("", "/socket/websocket?vsn=2.0.0")]:
            conversation.connect(name, target)
        conversation.play(self.recording().section(title))
        return conversation

    def test_one_conversation(self) -> None:
        """The sections on one connection come out as recorded, in their order."""
        conversation = self.conversation()
        client = conversation.connect()
        for title in ONE_CONVERSATION:
            conversation.play(self.recording().section(title))
        self.assertIsNone(client.lost)

    def test_slow_join(self) -> None:
        """Nothing is answered while a join is awaited, a heartbeat included."""
        conversation = self.conversation()
        client = conversation.connect()
        section = self.recording().section(SLOW_JOIN)
        join, heartbeat, *answers, _ = section.happenings
        conversation.happen(join)
        conversation.server.advance(0.2)
        conversation.happen(heartbeat)
        conversation.server.advance(0.55)
        self.assertEqual(client.happenings, [])
        conversation.server.advance(0.1)
        for answer in answers:
            conversation.happen(answer)
        conversation.check()

    def test_pings_and_closes(self) -> None:
        """A ping is answered with its payload, a close with the recorded code."""
        conversation = self.conversation()
        section = self.recording().section("client pings")
        pong, *closes = section.happenings
        client = conversation.connect()
        client.write(client_frame(PING, b"hey"))
        conversation.server.flush()
        self.assertEqual(client.happenings, [pong])
        for code, recorded in zip((1000, 4001, None), closes, strict=True):
            client = conversation.connect()
            client.send_close(code)
            conversation.server.flush()
            self.assertEqual(client.happenings, [recorded])
            self.assertIsNotNone(client.lost)

    def test_presence(self) -> None:
        """States and diffs go to whom they went, with the metas they had."""
        self.play(
            "presence",
            ("a", "/socket/websocket?vsn=2.0.0&user_id=ann"),
            ("b", "/socket/websocket?vsn=2.0.0&user_id=bob"),
            ("c", "/socket/websocket?vsn=2.0.0&user_id=ann"),
        )

    def test_ends_of_connections(self) -> None:
        """Kick, drop and drain end a connection with the recorded codes."""
        for title in ("kick", "drop", "drain"):
            target = "/socket/websocket?vsn=2.0.0&user_id=kk"
            conversation = self.play(title, ("", target))
            self.assertEqual(conversation.server.connections, [])

    def test_channel_killed(self) -> None:
        """A killed channel is phx_error, and the topic is unmatched afterwards."""
        conversation = self.conversation()
        conversation.connect()
        *before, killed, control, push, answer = (
            self.recording().section("channel killed").happenings
        )
        if isinstance(killed, Control):
            killed, control = control, killed
        for happening in (*before, control, killed, push, answer):
            conversation.happen(happening)
        conversation.check()

    def test_bad_input(self) -> None:
        """What cannot be parsed closes with 1011; what is merely odd is answered."""
        for title in ("bad input", "text frame that is not UTF-8"):
            happenings = self.recording().section(title).happenings
            for sent, answered in zip(happenings[::2], happenings[1::2], strict=True):
                conversation = self.conversation()
                conversation.connect()
                conversation.happen(sent)
                conversation.happen(answered)
                conversation.check()

    def test_unmasked_frame(self) -> None:
        """An unmasked frame closes with 1002."""
        conversation = self.conversation()
        client = conversation.connect()
        heartbeat = b'[null,"1","phoenix","heartbeat",{}]'
        client.write(client_frame(1, heartbeat, is_masked=False))
        conversation.server.flush()
        happenings = self.recording().section("unmasked frame").happenings
        self.assertEqual(client.happenings, happenings)

    def test_frame_too_large(self) -> None:
        """A frame over the limit closes with 1009."""
        conversation = self.conversation()
        client = conversation.connect("", "/smallframe/websocket?vsn=2.0.0")
        sent, closed = self.recording().section("12 kB frame").happenings
        if not isinstance(sent, WireFrame):
            self.fail(f"expected a frame, not {sent}")
        missing = b"x" * (sent.missing - 3) + b'"}]'
        client.send(sent.data + missing)
        conversation.server.flush()
        self.assertEqual(client.happenings, [closed])

    def test_fragments(self) -> None:
        """A message in three fragments is one message."""
        conversation = self.conversation()
        client = conversation.connect()
        _, answer = self.recording().section("fragmented text message").happenings
        client.write(client_frame(1, b'["1","1","ec', is_final=False))
        client.write(client_frame(0, b'ho:a","phx_jo', is_final=False))
        client.write(client_frame(0, b'in",{}]'))
        conversation.server.flush()
        conversation.happen(answer)
        conversation.check()

    def test_too_many_channels(self) -> None:
        """The 101st channel of a connection is refused, unless there is no limit."""
        remarks = self.recording().section("101 channels").happenings
        for path, remark in zip(("/socket", "/bench"), remarks, strict=True):
            conversation = self.conversation()
            client = conversation.connect("", f"{path}/websocket?vsn=2.0.0")
            for i in range(101):
                join = [str(i), str(i), f"bench:{i}", "phx_join", {}]
                client.send(json.dumps(join).encode("ascii"))
            conversation.server.flush()
            if not isinstance(remark, Remark):
                self.fail(f"expected a remark, not {remark}")
            said, _, last = remark.text.partition("; last: ")
            self.assertEqual(said, f"{path}: {len(client.happenings)} replies")
            recorded = WireFrame(True, "", last.encode("ascii"))
            self.assertEqual(
                _comparable(client.happenings[-1:]), _comparable([recorded])
            )

    def test_silence(self) -> None:
        """Two seconds without a frame from the client close its connection."""
        conversation = self.conversation()
        conversation.connect("", "/shorttimeout/websocket?vsn=2.0.0")
        *frames, closed, _ = self.recording().section("2 s of silence").happenings
        for happening in frames:
            conversation.happen(happening)
        conversation.server.advance(1.9)
        conversation.check()
        conversation.server.advance(0.4)
        conversation.happen(closed)
        conversation.check()

    def test_pings_are_no_silence(self) -> None:
        """WebSocket pings keep a connection open."""
        [remark] = self.recording().section("pings (not heartbeats)").happenings
        self.assertEqual(remark, Remark("still open after 3.5 s: true"))
        conversation = self.conversation()
        client = conversation.connect("", "/shorttimeout/websocket?vsn=2.0.0")
        for _ in range(5):
            client.write(client_frame(PING, b""))
            conversation.server.advance(0.7)
        self.assertEqual(client.happenings, [Pong("", b"")] * 5)

    def test_pushes_do_not_end_silence(self) -> None:
        """What the server sends does not keep a connection open."""
        conversation = self.conversation()
        client = conversation.connect("", "/shorttimeout/websocket?vsn=2.0.0")
        section = self.recording().section("server pushes (not client frames)")
        *frames, closed, remark = section.happenings
        for happening in frames:
            conversation.happen(happening)
        conversation.check()
        for _ in range(3):
            conversation.server.advance(0.7)
            conversation.server.broadcast("echo:q", "shout", {})
        conversation.server.advance(0.8)
        self.assertIn("open: false after 2", str(remark))
        self.assertEqual(client.happenings[-1], closed)

    def test_version_1(self) -> None:
        """The old serializer has objects, and no join_ref in what the server sends."""
        self.play("V1 serializer", ("", "/socket/websocket?vsn=1.0.0"))


class Bandit18Tests(PlayedRecording, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(PlayedRecording, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(PlayedRecording, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"


class CompletenessTests(SynchronousTestCase):
    """Nothing in the recordings is passed over."""

    played: ClassVar[tuple[str, ...]] = (
        *ONE_CONVERSATION,
        SLOW_JOIN,
        "handshake, raw",
        "client pings",
        "presence",
        "kick",
        "drop",
        "drain",
        "channel killed",
        "bad input",
        "text frame that is not UTF-8",
        "unmasked frame",
        "12 kB frame",
        "fragmented text message",
        "101 channels",
        "2 s of silence",
        "pings (not heartbeats)",
        "server pushes (not client frames)",
        "V1 serializer",
    )

    def test_every_section(self) -> None:
        """Each section of each recording is played, here or over HTTP."""
        for flavour in RECORDINGS:
            for section in recording(flavour).sections:
                known = [
                    title
                    for title in (*self.played, *OVER_HTTP)
                    if section.title.startswith(title)
                ]
                self.assertEqual(len(known), 1, f"{flavour}: {section.title}")

    def test_exchanges(self) -> None:
        """The HTTP exchanges can be read as well: each has a title, and an answer."""
        for flavour in RECORDINGS:
            happenings = recording(flavour).section(OVER_HTTP[0]).happenings
            exchanges = [it for it in happenings if isinstance(it, Exchange)]
            self.assertGreater(len(exchanges), 30)
            for exchange in exchanges:
                self.assertTrue(exchange.title)
                self.assertIn(exchange.status, (200, 400, 500))
