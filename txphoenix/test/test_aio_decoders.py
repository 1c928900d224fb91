"""Tests of decoders in asyncio programs."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from txphoenix import aio
from txphoenix.errors import ConfigurationError, DecodeError

from .aio_memory import AioMemoryTestCase
from .support import TOPIC
from .test_decoders import SECRET, Note, later, to_note


class AioTests(AioMemoryTestCase):
    """The same for asyncio."""

    def test_all(self) -> None:
        """Hooks, callbacks, readers and replies have values; failures are told."""

        class Room(aio.Channel):
            """A channel whose messages are notes."""

            decoders: ClassVar[Any] = {"new_msg": to_note}

            async def handle_in(self, event: str, payload: Any) -> None:
                taken.append((event, payload))

        taken: list[Any] = []
        errors: list[Any] = []
        hooked: list[Any] = []

        async def hook(note: Note) -> None:
            hooked.append(note)

        client = self.open()
        client.on_error(errors.append)
        room = client.channel(TOPIC, {"body": "hi"}, Room, decoders={"blob": bytes.hex})
        self.assertEqual(self.finish(room.join(decode=to_note)), Note("hi"))
        reply = self.finish(room.push("echo", {"body": "hi"}, decode=to_note))
        self.assertEqual(reply, Note("hi"))
        with self.assertRaises(DecodeError):
            self.finish(room.push("echo", {}, decode=to_note))
        remove = room.on("typed", hook, decode=to_note)
        room.on("typed", decode=to_note)(hook)
        for event, payload in (
            ("new_msg", {"body": "a"}),
            ("new_msg", {"token": SECRET}),
            ("blob", b"\x01"),
            ("typed", {"body": "b"}),
            ("typed", {"token": SECRET}),
        ):
            self.server_sends(None, None, TOPIC, event, payload)
        self.turn(5)
        self.assertEqual(taken, [("new_msg", Note("a")), ("blob", "01")])
        self.assertEqual(hooked, [Note("b"), Note("b")])
        self.assertEqual([error.event for error in errors], ["new_msg", *2 * ["typed"]])
        remove()
        room.off("typed", hook)
        self.server_sends(None, None, TOPIC, "typed", {"body": "c"})
        self.turn(3)
        self.assertEqual(len(hooked), 2)

    def test_partial(self) -> None:
        """A partial of a class may hand decoders on, and readers have values."""
        factory = partial(aio.Channel, decoders={"new_msg": to_note})
        client = self.open(topic_channel_map={"rooms:*": factory})
        room = client.channel(TOPIC)
        self.finish(room.join())
        self.server_sends(None, None, TOPIC, "new_msg", {"body": "a"})
        self.assertEqual(self.finish(room.receive()).payload, Note("a"))

    def test_later(self) -> None:
        """A decoder is no coroutine function there either."""
        client = self.open()
        with self.assertRaises(ConfigurationError):
            client.channel(TOPIC, decoders={"new_msg": later})
        with self.assertRaises(ConfigurationError):
            client.channel(TOPIC).on("new_msg", print, decode=later)

    def test_set_later(self) -> None:
        """What is set of a channel and would change nothing is refused by the join."""
        client = self.open()
        for name, value in {
            "decoders": {"new_msg": to_note},
            "presence_events": ("crowd_state", "crowd_diff"),
        }.items():
            channel = client.channel(TOPIC)
            setattr(channel, name, value)
            with self.assertRaisesRegex(ConfigurationError, f"{name} of a channel"):
                self.finish(channel.join())

    def test_set_of_a_class(self) -> None:
        """What is set of a class that is there already holds for its next channels."""

        class Later(aio.Channel):
            """Says nothing in its body."""

        names = ("crowd_state", "crowd_diff")
        Later.presence_events, Later.restart = names, "permanent"
        room = self.open().channel(TOPIC, channel_class=Later)
        self.assertEqual(room.twisted.restart, "permanent")
        presence = aio.Presence(room)
        self.finish(room.join())
        crowd = {"ann": {"metas": [{"phx_ref": "1"}]}}
        self.server_sends(room.join_ref, None, TOPIC, "crowd_state", crowd)
        self.turn()
        self.assertEqual(presence.state, crowd)
        kind = type(room.twisted)
        again = self.open().channel(TOPIC, channel_class=Later)
        self.assertIs(type(again.twisted), kind)
