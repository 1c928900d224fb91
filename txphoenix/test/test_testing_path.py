"""Tests of :mod:`txphoenix.testing.path`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing.path import PathPattern


class PathPatternTests(SynchronousTestCase):
    """:class:`PathPattern`."""

    def test_plain(self) -> None:
        """A path without parameters matches itself, however often a slash comes."""
        pattern = PathPattern("/socket/websocket")
        for path in ("/socket/websocket", "/socket//websocket/", "/socket/web%73ocket"):
            self.assertEqual(pattern.match(path), {})
        for path in ("/socket", "/socket/longpoll", "/socket/websocket/x", "/"):
            self.assertIsNone(pattern.match(path))

    def test_parameters(self) -> None:
        """A part that begins with a colon stands for any other, and is decoded."""
        pattern = PathPattern("/socket/:room/ws/:key")
        self.assertEqual(
            pattern.match("/socket/a%2Fb/ws/%C3%BC"), {"room": "a/b", "key": "ü"}
        )
        self.assertIsNone(pattern.match("/socket/a/x/b"))

    def test_root(self) -> None:
        """A socket may be at the root."""
        self.assertEqual(PathPattern("//").match("/"), {})
