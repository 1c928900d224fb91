"""Each place of the picture of received messages: what comes there comes there alone.

All that later places need is there as well, so that it is asked in the picture's order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from txphoenix import Channel, DecodeError, Presence

from .received_picture import PLACES
from .support import TOPIC, ClientTestCase

LIMIT = 4
NAMES = [place.name for place in PLACES]


def refuse(payload: Any) -> Any:
    """Decode nothing."""
    raise ValueError(payload)


class ReceivedTests(ClientTestCase):
    """Where a message goes; each test has the name of a place."""

    def make(self, takers: list[str]) -> None:
        """A client and its channel, on which these places take messages."""
        self.seen: Counter[str] = Counter()
        note, takes = self.note, takers.__contains__

        class Both(Channel):
            """A channel with a ``handle_in``."""

            def handle_in(self, event: str, payload: Any) -> None:
                """Take all that no hook takes."""
                note("handle_in")()

        self.client = client = self.connected_client(receive_buffer=LIMIT)
        client.on_heartbeat(note("heartbeat"))
        self.channel = channel = client.channel(
            TOPIC,
            channel_class=Both if takes("handle_in") else Channel,
            decoders={"new_msg": refuse} if takes("undecoded") else None,
        )
        if takes("on_topic"):
            client.on_topic("*", note("on_topic"))
        if takes("presence"):
            Presence(channel).on_sync(note("presence"))
        if takes("hook"):
            channel.on("new_msg", note("hook"))
        channel.on_close(note("life"))
        channel.on_error(
            lambda error: self.seen.update(
                ["undecoded" if isinstance(error, DecodeError) else "life"]
            )
        )
        self.watch(channel.join())
        self.memory.flush()
        if takes("receive"):
            self.watch(channel.receive().addCallback(note("receive")))

    def note(self, name: str) -> Callable[..., None]:
        """What notes that something has come to a place."""
        return lambda *_: self.seen.update([name])

    def look(self) -> Counter[str]:
        """How often something has come to each place."""
        look = Counter(self.seen)
        look["no_message"] = self.client.get_state("dropped_frames")
        look["unrouted"] = self.client.get_state("unrouted_messages")
        look["stale"] = self.client.get_state("stale_messages")
        look["queue"] = self.client.buffers().unread.size
        look["paused"] = int(self.client.connection.link._paused_at is not None)
        look["overflow"] = self.channel.dropped_messages
        return look

    def assert_arrives(
        self,
        place: str,
        send: Callable[[], None],
        prepare: Callable[[], None] = lambda: None,
        **beside: int,
    ) -> None:
        """What is sent comes to a place, and to no other.

        It is sent twice: to a client, and to one with a hook for all messages, which
        takes the long way of :mod:`txphoenix.client.receiving`.

        :param prepare: is called before.
        :param beside: what changes with it.
        """
        for hooks in (0, 1):
            self.make(NAMES[NAMES.index(place) :])
            prepare()
            if hooks:
                self.client.on_message(self.note("on_message"))
            before = self.look()
            send()
            arrived = self.look() - before
            told = arrived.pop("on_message", 0)
            self.assertEqual(arrived, {place: 1, **beside})
            self.assertEqual(told, hooks if place != "no_message" else 0)

    def say(
        self,
        event: str = "new_msg",
        payload: Any = None,
        topic: str = TOPIC,
        join_ref: str | None = None,
    ) -> None:
        """Have the server send a message."""
        self.server_sends(join_ref, None, topic, event, payload or {})

    def test_no_message(self) -> None:
        """A frame that is no message is dropped, and not even ``on_message`` has it."""

        def send() -> None:
            self.memory.sessions[-1].send_frame(b"{}", False)
            self.memory.flush()

        self.assert_arrives("no_message", send)

    def test_heartbeat(self) -> None:
        """What comes on the topic ``phoenix`` is the heartbeat's, or a ping's."""

        def send() -> None:
            self.watch(self.client.ping())
            self.memory.flush()

        self.assert_arrives("heartbeat", send)

    def test_on_topic(self) -> None:
        """What no channel has the topic of is taken by ``on_topic``."""
        self.assert_arrives("on_topic", lambda: self.say(topic="other:1"))

    def test_unrouted(self) -> None:
        """Without such a hook it is dropped."""
        self.assert_arrives("unrouted", lambda: self.say(topic="other:1"))

    def test_stale(self) -> None:
        """What is for an earlier join is dropped."""
        self.assert_arrives("stale", lambda: self.say(join_ref="999"))

    def test_reply(self) -> None:
        """A reply fires the Deferred that waits for it."""

        def send() -> None:
            pushed = self.channel.push("echo", {})
            self.watch(pushed.addCallback(self.note("reply")))
            self.memory.flush()

        self.assert_arrives("reply", send)

    def test_life(self) -> None:
        """The end of a channel, and its crash, are told to its life alone."""
        self.assert_arrives("life", lambda: self.say("phx_close"))
        self.assert_arrives("life", lambda: self.say("phx_error"))

    def test_presence(self) -> None:
        """What brings presences goes to the Presence, if there is one."""
        state = {"ann": {"metas": [{"phx_ref": "1"}]}}
        self.assert_arrives("presence", lambda: self.say("presence_state", state))

    def test_undecoded(self) -> None:
        """What a decoder does not take goes to ``on_error``, and no further."""
        self.assert_arrives("undecoded", self.say)

    def test_hook(self) -> None:
        """What there is a hook for goes to that."""
        self.assert_arrives("hook", self.say)

    def test_handle_in(self) -> None:
        """All else goes to the class, if that takes messages."""
        self.assert_arrives("handle_in", self.say)

    def test_receive(self) -> None:
        """Or to who waits for a message."""
        self.assert_arrives("receive", self.say)

    def test_queue(self) -> None:
        """Or into the queue."""
        self.assert_arrives("queue", self.say)

    def test_paused(self) -> None:
        """Where somebody has read before, a full queue holds the server back."""

        def read_and_fill() -> None:
            self.watch(self.channel.receive())
            for _ in range(LIMIT):
                self.say()

        self.assert_arrives("paused", self.say, read_and_fill, queue=1)

    def test_overflow(self) -> None:
        """Where nobody has, the oldest message of a full queue is dropped."""

        def fill() -> None:
            for _ in range(LIMIT):
                self.say()

        self.assert_arrives("overflow", self.say, fill)

    def test_each_place(self) -> None:
        """There is a test for each place, of its name."""
        self.assertEqual(len(set(NAMES)), len(NAMES))
        tests = [name for name in vars(type(self)) if name.startswith("test_")]
        self.assertEqual([f"test_{name}" for name in NAMES], tests[:-1])
