"""Tests of those events of :mod:`.recorded_app` that the recordings do not show."""

from __future__ import annotations

import json
from typing import Any

from .kit import KitTestCase
from .recorded_app import RecordedRoom, recorded_memory_server
from .wire_client import BINARY, client_frame


class RecordedAppTests(KitTestCase):
    """The application with which the recordings were made."""

    def setUp(self) -> None:
        """The application, and two clients."""
        self.memory = recorded_memory_server()
        self.addCleanup(self._check_clock, self.memory)
        self.client = self.talker("/socket/websocket?vsn=2.0.0&user_id=u")
        self.other = self.talker()

    def joined(self, topic: str, params: Any = None) -> None:
        """Both clients join; what they hear of it is forgotten."""
        for client in (self.client, self.other):
            client.join(topic, params)
        self.client.heard()
        self.other.heard()

    def push(self, topic: str, event: str, payload: Any) -> list[Any]:
        """Push, and hear the last four of each message's five parts."""
        heard = self.client.say("1", "2", topic, event, payload)
        return [it[1:] if isinstance(it, list) else it for it in heard]

    def reply(self, topic: str, event: str, payload: Any) -> Any:
        """Push, and hear the payload of the only answer, which is a reply."""
        [answer] = self.push(topic, event, payload)
        self.assertEqual(answer[2], "phx_reply")
        return answer[3]

    def test_waiting(self) -> None:
        """A slow reply leaves the channel free, a blocking one holds it."""
        self.joined("echo:a")
        self.assertEqual(self.push("echo:a", "slow", {"ms": 500}), [])
        self.assertEqual(len(self.push("echo:a", "ok", {})), 1)
        self.memory.advance(0.5)
        self.assertEqual(self.client.heard()[0][4]["response"], {"ms": 500})
        self.assertEqual(self.push("echo:a", "block", {"ms": 500}), [])
        self.assertEqual(self.push("echo:a", "ok", {}), [])
        self.memory.advance(0.5)
        self.assertEqual(len(self.client.heard()), 2)

    def test_reply_status(self) -> None:
        """The client says what the reply is."""
        self.joined("echo:a")
        asked = {"status": "error", "response": [1]}
        self.assertEqual(self.reply("echo:a", "reply_status", asked), asked)

    def test_push_event(self) -> None:
        """The client says what is pushed."""
        self.joined("echo:a")
        pushed, _ = self.push("echo:a", "push_event", {"event": "e", "payload": 1})
        self.assertEqual(pushed, [None, "echo:a", "e", 1])

    def test_broadcast_from(self) -> None:
        """A broadcast_from reaches the others."""
        self.joined("echo:a")
        self.reply("echo:a", "broadcast_from", {"b": 1})
        self.assertEqual(
            self.other.heard(), [[None, None, "echo:a", "shout", {"b": 1}]]
        )

    def test_push_binary_of_a_size(self) -> None:
        """The client may say how many bytes are pushed."""
        self.joined("echo:a")
        pushed, _ = self.push("echo:a", "push_binary", {"size": 3})
        self.assertEqual(pushed[-3:], b"xxx")

    def test_kick(self) -> None:
        """Only a connection with an id can be kicked."""
        self.joined("echo:a")
        [refused] = self.other.say("1", "2", "echo:a", "kick", {})
        self.assertEqual(refused[4]["response"], {"reason": "no user_id"})
        self.assertEqual(self.push("echo:a", "kick", {}), [1001])

    def test_drop(self) -> None:
        """A client can end its own connection without a close frame."""
        self.joined("echo:a")
        self.assertEqual(self.push("echo:a", "drop", {}), [1006])

    def test_flaky(self) -> None:
        """A flaky room refuses so many joins of a key."""
        RecordedRoom.refusals.clear()
        statuses = [
            self.client.join("room:flaky", {"key": "k", "n": 2})["status"]
            for _ in range(3)
        ]
        self.assertEqual(statuses, ["error", "error", "ok"])

    def test_slow(self) -> None:
        """A slow room takes three seconds."""
        self.client.say("1", "1", "room:slow", "phx_join", {})
        self.memory.advance(2.9)
        self.assertEqual(self.client.heard(), [])
        self.memory.advance(0.2)
        self.assertEqual(self.client.heard()[0][4]["status"], "ok")

    def test_room(self) -> None:
        """A room tracks, lists and broadcasts, and knows nothing else."""
        self.joined("room:a")
        _, diff = self.push("room:a", "track", {"key": "k", "meta": {"m": 1}})
        self.assertEqual(diff[3]["joins"]["k"]["metas"][0]["m"], 1)
        self.assertEqual(
            set(self.reply("room:a", "list", {})["response"]), {"u", "anon", "k"}
        )
        _, diff = self.push("room:a", "untrack", {"key": "k"})
        self.assertIn("k", diff[3]["leaves"])
        _, message = self.push("room:a", "msg", {"body": "hi"})
        self.assertEqual(message, [None, "room:a", "msg", {"body": "hi"}])
        _, crash, *_ = self.push("room:a", "other", {})
        self.assertEqual(crash[2], "phx_error")

    def test_bench(self) -> None:
        """The topics for measuring echo, flood, fan out and count."""
        self.joined("bench:a")
        self.assertEqual(self.reply("bench:a", "ping", [1])["response"], [1])
        for event, pushed in (("flood", "tick"), ("fan", "fan")):
            for options in ({}, {"throttle": False}, {"binary": True}):
                asked = {"n": 2, "size": 1, **options}
                *ticks, done = self.push("bench:a", event, asked)
                self.assertEqual(done[3]["response"], {"n": 2})
                if "binary" in options:
                    wanted = [b"\0\0\0\0x", b"\0\0\0\1x"]
                    self.assertEqual([tick[-5:] for tick in ticks], wanted)
                else:
                    data = [{"i": 0, "data": "x"}, {"i": 1, "data": "x"}]
                    self.assertEqual(
                        [tick[2:] for tick in ticks], [[pushed, it] for it in data]
                    )
        self.assertEqual(len(self.other.heard()), 6)
        self.assertEqual(self.push("bench:a", "other", {})[0][2], "phx_error")

    def test_sink(self) -> None:
        """The sink counts messages and binary bytes, and can begin anew."""
        self.joined("bench:a")
        self.assertEqual(self.push("bench:a", "sink", {}), [])
        frame = bytes([0, 1, 1, 7, 4]) + b"1" + b"2" + b"bench:asink" + b"abc"
        self.client.write(client_frame(BINARY, frame))
        counted = {"count": 2, "binary_bytes": 3}
        for payload, expected in (
            ({"reset": True}, counted),
            ({}, {"count": 0, "binary_bytes": 0}),
        ):
            reply = self.reply("bench:a", "sink_count", payload)
            self.assertEqual(reply["response"], expected)


class LargeFramesTests(KitTestCase):
    """Frames with each of the three ways to write a length."""

    def test_lengths(self) -> None:
        """A short, a middling and a long message come back whole."""
        self.memory = recorded_memory_server()
        self.addCleanup(self._check_clock, self.memory)
        client = self.talker()
        client.join("echo:a")
        for size in (1, 1_000, 100_000):
            payload = "x" * size
            [answer] = client.say("1", "2", "echo:a", "echo", payload)
            self.assertEqual(len(json.dumps(answer[4]["response"])), size + 2)
