"""Two clients and another service in one process, under each reactor.

Each is a process of its own, since a process has one reactor:
:mod:`txphoenix.test.reactor_program`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

import txphoenix
from txphoenix.testing import ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin

ROOT = Path(txphoenix.__file__).parent.parent


class Room(ServerChannel):
    """Passes messages on, and drops all connections if asked to."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do what the event says."""
        if event == "drop":
            self.endpoint.drop()
            return None
        self.broadcast(event, payload)
        return ok()


class ReactorTests(PhoenixMixin, TestCase):
    """The program under each reactor."""

    timeout = 120

    async def run_under(self, name: str) -> dict[str, Any]:
        """Run the program, and check all that is the same under any reactor.

        :return: what it printed.
        """
        server = await self.phoenix_server({"rooms:*": Room})
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "txphoenix.test.reactor_program", name, server.url],
            env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
        )
        self.assertEqual((code, err.decode()), (0, ""))
        result: dict[str, Any] = json.loads(out)
        self.assertEqual(result["echoed"], "hello")
        self.assertTrue(result["pinged"])
        for heard in result["heard"]:
            # How often the second is heard depends on who rejoins first.
            self.assertEqual(heard[0], 1)
            self.assertEqual(set(heard[1:]), {2})
        self.assertEqual((result["calls"], result["sockets"]), ([], 0))
        return result

    async def test_epoll(self) -> None:
        """All goes well under the epoll reactor."""
        result = await self.run_under("epoll")
        self.assertEqual(result["reactor"], "EPollReactor")

    async def test_poll(self) -> None:
        """All goes well under the poll reactor."""
        result = await self.run_under("poll")
        self.assertEqual(result["reactor"], "PollReactor")

    async def test_select(self) -> None:
        """All goes well under the select reactor."""
        result = await self.run_under("select")
        self.assertEqual(result["reactor"], "SelectReactor")

    async def test_asyncio(self) -> None:
        """All goes well under the asyncio reactor, with asyncio's own loop."""
        result = await self.run_under("asyncio")
        self.assertEqual(result["reactor"], "AsyncioSelectorReactor")
        self.assertTrue(result["loop"].startswith("asyncio."))

    async def test_uvloop(self) -> None:
        """All goes well under the asyncio reactor, with uvloop's loop."""
        result = await self.run_under("uvloop")
        self.assertEqual(result["reactor"], "AsyncioSelectorReactor")
        self.assertTrue(result["loop"].startswith("uvloop"))


if find_spec("uvloop") is None:
    ReactorTests.test_uvloop.skip = (  # type: ignore[attr-defined]
        "uvloop is not installed: pip install uvloop"
    )
if not sys.platform.startswith("linux"):
    ReactorTests.test_epoll.skip = "epoll is Linux's"  # type: ignore[attr-defined]
