"""Pieces of code on a page, run against a server as they are printed."""

from __future__ import annotations

from typing import Any, ClassVar

from txphoenix import SocketClient

from .network import TOPIC, NetworkTestCase
from .test_howtos import NOT_THERE, captioned

__all__ = ["PageCase"]


class PageCase(NetworkTestCase):
    """A test of the pieces of one page.

    :cvar page: the page.
    """

    page: ClassVar[str]

    skip = NOT_THERE

    def run_piece(
        self, caption: str, *changes: tuple[str, str], **names: Any
    ) -> dict[str, Any]:
        """Run a piece of the page, and start the client that it makes.

        That is stopped after the test.

        :param changes: what stands in the place of what.
        :param names: what the piece takes from elsewhere.
        :return: all names that there are behind it.
        """
        text = captioned(self.page, caption)
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        exec(compile(text, caption, "exec"), names)
        client: SocketClient = names["client"]
        self.addCleanup(client.stopService)
        client.startService()
        return names

    async def join_and_push(self, client: SocketClient) -> None:
        """The client joins, and its push is answered."""
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
