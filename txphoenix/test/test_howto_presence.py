"""What the page about presences shows works as it is printed, and what it says holds.

The documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from txphoenix import Channel, Presence
from txphoenix.testing import PresenceChannel, ok
from txphoenix.testing.cases import PhoenixMixin

from .cli_program import ROOT, start_program
from .presence_kit import Record
from .support import TOPIC, ClientTestCase
from .test_howtos import NOT_THERE, URL, blocks, captioned, printed_by, program

PAGE = "howto-presence"


class Tracked(PresenceChannel):
    """A room as the page has it, whose users say whether they are away."""

    def after_join(self) -> None:
        """Be there, and send the list."""
        self.user = str(self.socket.params["user_id"])
        self.track(self.user, {"device": self.params["device"]})
        self.push_presence_state()

    def handle_in(self, event: str, payload: Any) -> Any:
        """Take what somebody says of themselves."""
        self.update(self.user, {"device": "phone", **payload})
        return ok()


class Crowded(PresenceChannel):
    """One that tells it by other events."""

    def after_join(self) -> None:
        """Send a list and a change."""
        metas = [[{"phx_ref": ref}] for ref in "12"]
        self.push("crowd_state", {"ann": {"metas": metas[0]}})
        joins = {"bob": {"metas": metas[1]}}
        self.push("crowd_diff", {"joins": joins, "leaves": {}})


class PageTests(PhoenixMixin, TestCase):
    """The page's programs."""

    skip = NOT_THERE
    timeout = 120

    def write(self, name: str, text: str) -> Path:
        """Write a file into a folder of its own."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        path = folder / name
        path.write_text(text, "utf-8")
        return path

    async def test_first(self) -> None:
        """The first program prints what the page says."""
        path = self.write("who.py", captioned(PAGE, "who.py"))
        started = start_program(self, os.fspath(path))
        self.assertEqual((await started.ended, started.err.text), (0, ""))
        (shown,) = [each.text for each in blocks(PAGE, "text")]
        self.assertEqual(started.out.text.strip(), shown.strip())

    async def test_pieces(self) -> None:
        """The pieces print what the page says."""
        channels = {"rooms:crowd": Crowded, "rooms:*": Tracked}
        server = await self.phoenix_server(channels)
        source = program(PAGE).replace(URL, server.url)
        # The program has no end: the page's reader goes on.
        source += "\n    await client.stopService()\n"
        said = await printed_by(source, PAGE)
        self.assertEqual(
            said,
            [
                "+ ann 1",
                "+ ann 1",
                "ann is away: True",
                "- ann 1",
                "['ann on 1 device, away: True']",
                "1",
                "[]",
                "found ann",
                "True True",
                said[9],
            ],
        )
        self.assertIn(said[9], ("crowd: ['ann']", "crowd: ['ann', 'bob']"))

    async def test_asyncio(self) -> None:
        """The program for asyncio does what the page says."""
        server = await self.phoenix_server({"rooms:*": Tracked})
        text = captioned(PAGE, "who_asyncio.py").replace(
            "ws://localhost:4000/socket", server.url
        )
        path = self.write("who_asyncio.py", text)
        started = start_program(self, "-X", "dev", os.fspath(path))
        self.assertEqual(await started.ended, 0, started.err.text)
        self.assertEqual(started.out.text, "ann is here: ['ann']\n")

    async def test_tests(self) -> None:
        """The page's own test passes under trial."""
        path = self.write("test_who.py", captioned(PAGE, "test_who.py"))
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "twisted.trial", "test_who"],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{path.parent}"},
            path=os.fspath(path.parent),
        )
        self.assertEqual(code, 0, out + err)
        self.assertIn(b"PASSED (successes=1)", out)


class Named(Channel):
    """A class that makes its Presence, as the page says to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.here = Presence(self)

    def handle_in(self, event: str, payload: Any) -> None:
        """Crash."""
        raise ZeroDivisionError


class Members(PresenceChannel):
    """A room that tracks whoever joins it."""

    def after_join(self) -> None:
        """Be there, and send the list."""
        self.track("me")
        self.push_presence_state()

    def handle_in(self, event: str, payload: Any) -> Any:
        """Send it back."""
        self.push(event, payload)
        return ok()


class Other:
    """Somebody else who is there."""

    topic = TOPIC


class ReconnectTests(ClientTestCase):
    """What the page says of a rejoin, whatever it comes after."""

    server_channels = {"rooms:*": Members}

    def setUp(self) -> None:
        """Join, with somebody who stays and somebody who goes."""
        super().setUp()
        self.others = {name: Other() for name in ("stays", "goes", "comes")}
        for name in ("stays", "goes"):
            self.memory.presence.track(self.others[name], name, {})
        channel: Any = self.joined_channel(channel_class=Named)
        self.channel, self.here = channel, channel.here
        self.assertEqual(set(self.here.state), {"me", "stays", "goes"})
        self.record = Record(self.here)

    def change(self) -> None:
        """Somebody goes, and somebody comes, unseen."""
        self.memory.presence.untrack(self.others["goes"], "goes")
        self.memory.presence.track(self.others["comes"], "comes", {})

    def assert_told(self) -> None:
        """The difference was told, and of one's own key that it has another meta."""
        self.assertTrue(self.here.synced)
        self.assertEqual(set(self.here.state), {"me", "stays", "comes"})
        told = sorted((call[0], *call[1:2]) for call in self.record.calls[:-1])
        self.assertEqual(
            told,
            [("join", "comes"), ("join", "me"), ("leave", "goes"), ("leave", "me")],
        )
        for kind, key, entry, _ in self.record.calls[:-1]:
            if (kind, key) == ("join", "me"):
                self.assertIsNotNone(entry)
            elif (kind, key) == ("leave", "me"):
                self.assertEqual(len(entry["metas"]), 1)
            elif kind == "leave":
                self.assertEqual(entry["metas"], [])

    def test_outage(self) -> None:
        """After a lost connection; meanwhile the list stays as it was."""
        self.memory.drop()
        self.memory.flush()
        self.change()
        self.assertFalse(self.here.synced)
        self.assertEqual(set(self.here.state), {"me", "stays", "goes"})
        self.assertEqual(self.record.calls, [])
        self.memory.advance(1)
        self.assert_told()

    def test_server_crash(self) -> None:
        """After a crash of the channel on the server."""
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.change()
        self.memory.advance(2)
        self.assert_told()

    def test_own_crash(self) -> None:
        """After one of our own callbacks; there is one Presence as before."""
        left = self.memory.when_left(TOPIC)
        left.addCallback(lambda _: self.change())
        self.watch(self.channel.push("crash", {}))
        self.memory.flush()
        self.memory.advance(2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_told()
