"""The pictures of ``docs/howitworks.rst`` are of the client as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.options import OPTIONS
from txphoenix.protocol.backoff import reconnect

from . import (
    received_picture,
    reconnect_picture,
    states_picture,
    tree_picture,
    way_picture,
)
from .drawing import WIDTH
from .support import TOPIC

DOCS = Path(txphoenix.__file__).parent.parent / "docs"
NOT_THERE = None if DOCS.exists() else "installed without its documents"
SVG = "{http://www.w3.org/2000/svg}"

PICTURES: dict[str, Callable[[], str]] = {
    "tree": tree_picture.picture,
    "way": way_picture.picture,
    "channel-states": states_picture.picture,
    "reconnect": reconnect_picture.picture,
    "received": received_picture.picture,
}


class PicturesTests(SynchronousTestCase):
    """All of them, as they are in the documents."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read them."""
        self.kept = {
            name: (DOCS / f"{name}.svg").read_text("utf-8") for name in PICTURES
        }

    def test_are_of_today(self) -> None:
        """Each is drawn from the code as it is now.

        ``python -m txphoenix.test.tree_picture > docs/tree.svg`` and so on draw them.
        """
        for name, picture in PICTURES.items():
            self.assertEqual(self.kept[name], picture(), name)

    def test_are_shown(self) -> None:
        """The page has each under a title of its own, with a text."""
        page = (DOCS / "howitworks.rst").read_text("utf-8")
        shown = re.findall(
            r"^-+\n\n\.\. image:: ([\w-]+)\.svg\n   :alt: \w.{80}", page, re.M
        )
        self.assertEqual(shown, list(PICTURES))

    def test_stand_alone(self) -> None:
        """They are well-formed, and ask nothing of the network."""
        for name, text in self.kept.items():
            root = ElementTree.fromstring(text)
            self.assertEqual(root.tag, f"{SVG}svg")
            outside = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
            self.assertNotRegex(outside, r"//|@import|@font-face|url\((?!#)", name)

    def test_on_one_page(self) -> None:
        """No id and no class of one is in another, so that they may stand together."""
        seen: set[str] = set()
        for text in self.kept.values():
            own = set(re.findall(r'(?:id|class)="([^"]+)"', text))
            names = {name for value in own for name in value.split()}
            self.assertEqual(names & seen, set())
            seen |= names
            (style,) = re.findall(r"<style>(.+)</style>", text, re.S)
            (root,) = re.findall(r'<svg [^>]*class="(\w+)"', text)
            for rule in re.findall(r"^ *([^@{}\n]+) \{", style, re.M):
                for part in rule.split(", "):
                    self.assertEqual(part.split()[0], f".{root}")

    def test_on_a_phone(self) -> None:
        """They are narrow, no word leaves them, and none is smaller than 12 px."""
        for name, text in self.kept.items():
            root = ElementTree.fromstring(text)
            self.assertEqual(root.attrib["width"], str(WIDTH))
            self.assertEqual(root.attrib["viewBox"].split()[2], str(WIDTH))
            self.assertEqual(
                set(re.findall(r"font-size[:=] ?\"?(\d+)", text)), {"12", "13"}
            )
            for word in root.iter(f"{SVG}text"):
                # A letter has six pixels, about.
                width = 6.2 * len(word.text or "")
                anchor = word.attrib.get("text-anchor", "start")
                before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
                left = float(word.attrib["x"]) - before
                self.assertGreater(left, 8, f"{name}: {word.text}")
                self.assertLess(left + width, WIDTH, f"{name}: {word.text}")

    def test_dark(self) -> None:
        """What has a colour has another one where the reader wants it dark."""
        for name, text in self.kept.items():
            (style,) = re.findall(r"<style>(.+)</style>", text, re.S)
            light, dark = style.split("@media (prefers-color-scheme: dark)")
            rule = r"^ *(\S+ \S+) \{ .*?(fill|stroke): #"
            self.assertGreater(len(re.findall(rule, light, re.M)), 10)
            self.assertEqual(
                set(re.findall(rule, light, re.M)),
                set(re.findall(rule, dark, re.M)),
                name,
            )


class TreeTests(SynchronousTestCase):
    """What stops what."""

    def test_rows(self) -> None:
        """The services are those of the client, and all parts are there once joined."""
        server, client = tree_picture.joined_client()
        rows = tree_picture.rows(client)
        self.assertEqual(
            [row.name for row in rows if row.is_service],
            ["", "state", "connection", "channels", TOPIC],
        )
        self.assertNotIn("NoneType", [row.kind for row in rows])
        client.stopService()
        server.flush()

    def test_stop(self) -> None:
        """Stopping what a client is in leaves nothing of it."""
        server, client = tree_picture.joined_client()
        application = MultiService()
        application.startService()
        client.setServiceParent(application)
        channel = client.getServiceNamed("channels").getServiceNamed(TOPIC)
        ended: list[Any] = []
        waiting: tuple[Deferred[Any], ...] = (
            channel.push("silent", {}),
            channel.receive(),
            channel.when_stopped(),
            client.when_writable(),
        )
        for deferred in waiting:
            deferred.addBoth(ended.append)
        stopped = application.stopService()
        server.flush()
        self.successResultOf(stopped)
        self.assertEqual(len(ended), len(waiting))
        self.assertEqual([bool(service.running) for service in client], [False] * 3)
        self.assertEqual((channel.running, channel.state), (0, "closed"))
        self.assertEqual(list(client.getServiceNamed("channels")), [])
        link = client.connection.link
        self.assertEqual((link.transport, link.heartbeat), (None, None))
        server.stop(drain=False)
        server.flush()
        self.assertEqual(server.clock.getDelayedCalls(), [])


class WayTests(SynchronousTestCase):
    """The way of a message."""

    skip = NOT_THERE

    def test_words(self) -> None:
        """There are words for each function of the two tables, and for no other."""
        names = [name for each in ("out", "in") for _, name in way_picture.way(each)]
        self.assertGreater(len(names), 12)
        shorts = [
            ".".join(name.split(".")[-2:]) if name.split(".")[-2][0].isupper() else last
            for name, last in ((name, name.split(".")[-1]) for name in names)
        ]
        self.assertEqual(shorts, list(way_picture.WORDS))

    def test_drawn(self) -> None:
        """They are drawn from the top down, between the program and the server."""
        drawn = re.findall(r'class="way-code">([^<]+)<', way_picture.picture())
        self.assertEqual(drawn, list(way_picture.WORDS))


class ReconnectTests(SynchronousTestCase):
    """The time line."""

    def test_delays(self) -> None:
        """The attempts come after the delays of the default backoff, which grow."""
        moments = reconnect_picture.run()
        attempts = [at.seconds for at in moments if "an attempt" in at.told[0]]
        ends = [at.seconds for at in moments if "waits for" in at.told[-1]]
        ends.insert(0, 0.0)
        delay = reconnect(random=lambda: 0.5)
        self.assertEqual(len(attempts), 3)
        for number, (end, attempt) in enumerate(zip(ends, attempts, strict=True)):
            self.assertAlmostEqual(attempt - end, delay(number), 3)
        self.assertEqual(sorted(attempts), attempts)

    def test_told(self) -> None:
        """All that has words happens, and the states are those of a rejoin."""
        moments = reconnect_picture.run()
        told = " ".join(words for moment in moments for words in moment.told)
        for words in reconnect_picture.WORDS.values():
            self.assertIn(words.split("{")[0], told)
        self.assertEqual(
            [moment.state for moment in moments],
            ["errored"] * 6 + ["joining", "joined", "joined"],
        )

    def test_timeout(self) -> None:
        """The page says how long the kept push waits, and that the default is less."""
        words = "the push that was kept is sent"
        told = [moment.told for moment in reconnect_picture.run(None)]
        self.assertNotIn(words, [each for moment in told for each in moment])
        told = [moment.told for moment in reconnect_picture.run()]
        self.assertIn(words, [each for moment in told for each in moment])
        if NOT_THERE is None:
            page = (DOCS / "howitworks.rst").read_text("utf-8")
            default = OPTIONS["timeout"].default
            has = f"one of {reconnect_picture.TIMEOUT:g} seconds; "
            self.assertIn(has + f"with the default of {default:g} it would", page)
