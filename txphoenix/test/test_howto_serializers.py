"""What the page about serializers shows works as it is printed."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from txphoenix import SocketClient
from txphoenix.serializer import serializer_for
from txphoenix.testing.cases import PhoenixMixin

from .custom_serializers import Objects
from .test_howtos import NOT_THERE, blocks, captioned, program

PAGE = "howto-serializers"


def run_piece(caption: str, **names: Any) -> dict[str, Any]:
    """Run a piece of the page; what it has defined."""
    exec(compile(captioned(PAGE, caption), caption, "exec"), names)
    return names


class PageTests(PhoenixMixin, TestCase):
    """The pieces of code."""

    skip = NOT_THERE
    timeout = 120

    async def test_program(self) -> None:
        """The program prints what it says."""
        names: dict[str, Any] = {}
        exec(compile(program(PAGE), PAGE, "exec"), names)
        printed: list[str] = []
        await names["program"](lambda *words: printed.append(" ".join(words_of(words))))
        (said,) = blocks(PAGE, "text")
        self.assertEqual(printed, said.text.strip().split("\n"))

    def test_binary_frames(self) -> None:
        """The subclass has other binary frames, and V2's text."""
        frames = run_piece("other binary frames")["Frames"]()
        message = frames.decode(b"\1\2\3\4", True)
        self.assertEqual(message, (None, None, "sensor:1", "sample", b"\1\2\3\4"))
        self.assertEqual(frames.decode(b'[null,null,"t","e",1]', False).payload, 1)

    def test_by_version(self) -> None:
        """The version is known, until it is removed."""
        names = run_piece(
            "by version",
            SocketClient=SocketClient,
            ObjectSerializer=Objects,
            url="wss://example.org/socket",
        )
        self.addCleanup(names["remove"])
        self.assertEqual(names["client"].options.vsn, "3.0.0")
        self.assertIsInstance(serializer_for("3.0.0"), Objects)


def words_of(words: tuple[Any, ...]) -> list[str]:
    """What print would write of them."""
    return [str(word) for word in words]
