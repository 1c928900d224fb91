"""What mypy knows of decoded payloads; the file itself is what it checks."""

from __future__ import annotations

from functools import partial
from typing import Any, assert_type

from twisted.internet.defer import Deferred

from txphoenix import aio
from txphoenix.channel import Channel
from txphoenix.interfaces import Decoders

from .support import TOPIC, ClientTestCase
from .test_decoders import Note, to_note

DECODERS: Decoders = {"new_msg": to_note, "blob": bytes.hex, "other": partial(dict)}


class Taker:
    """Takes notes, as an object."""

    def handle_in(self, event: str, payload: Note) -> None:
        """Take one."""


def take_note(note: Note) -> str:
    """Take a note."""
    return note.body


def take_number(number: int) -> None:
    """Take a number."""


async def take_later(note: Note) -> None:
    """Take a note, later."""


def add_wrong_hooks(channel: Channel) -> None:
    """Add hooks that take something else than is decoded; nobody calls this."""
    channel.on("new_msg", take_number, decode=to_note)  # type: ignore[misc]
    channel.on("new_msg", decode=to_note)(take_number)  # type: ignore[arg-type]
    channel.on("new_msg", Taker(), decode=len)  # type: ignore[misc]
    channel.on("new_msg", lambda note: note.bdy, decode=to_note)  # type: ignore[attr-defined]
    channel.on("new_msg", take_note, decode=5)  # type: ignore[call-overload]


async def in_asyncio(channel: aio.Channel) -> None:
    """The same for asyncio; nobody calls this."""
    assert_type(await channel.push("get", decode=to_note), Note)
    assert_type(await channel.push("get"), Any)
    assert_type(await channel.join(decode=to_note), Note)
    channel.on("new_msg", take_later, decode=to_note)
    channel.on("new_msg", take_number, decode=to_note)  # type: ignore[misc]


class TypingTests(ClientTestCase):
    """What is right for mypy is right."""

    def test_types(self) -> None:
        """Hooks take, and Deferreds are of, what decoders return."""
        channel = self.connected_client().channel(TOPIC, decoders=DECODERS)
        channel.on("new_msg", take_note, decode=to_note)
        channel.on("new_msg", take_later, decode=to_note)
        channel.on("new_msg", Taker(), decode=to_note)
        channel.on("new_msg", lambda note: note.body, decode=to_note)
        note = channel.on("new_msg", decode=to_note)(take_note)(Note("hi"))
        self.assertEqual(assert_type(note, str), "hi")
        self.watch(assert_type(channel.join(decode=len), Deferred[int]))
        self.watch(assert_type(channel.push("echo", decode=len), Deferred[int]))
        self.watch(assert_type(channel.push("echo"), Deferred[Any]))
        self.memory.flush()
