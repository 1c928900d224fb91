"""What ``docs/howto-crossbar.rst`` shows works as it is printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from txphoenix.testing import ChatRoom, PhoenixServer, PresenceChannel

from ..configuration import Config, node, realm_url
from ..node import ROOT, Node
from ..program import Program
from .case import STAYS, CrossbarCase
from .page import fragment, pieces, program

EXAMPLE = ROOT / "examples" / "crossbar" / "config.json"


class Users(PresenceChannel):
    """A topic in which somebody is present."""

    def after_join(self) -> None:
        """Ann is."""
        self.track("ann")
        self.push_presence_state()


def workers() -> list[Config]:
    """The router and the bridges that the page shows."""
    realm = {"name": "realm1", "roles": fragment("roles")}
    shown: list[Config] = [
        {
            "type": "router",
            "id": "router",
            "realms": [realm],
            "transports": fragment("transports"),
        },
        fragment("container"),
    ]
    return shown


class PageTests(CrossbarCase):
    """The page's node, its guest, and its programs in Python and JavaScript."""

    async def page_node(self) -> None:
        """Start the page's node, with ports that are free, and its guest."""
        server = PhoenixServer({"rooms:*": ChatRoom, "users:*": Users})
        await server.start()
        self.addCleanup(server.stop, drain=False)
        text = json.dumps(node([*workers(), fragment("guest")], STAYS))
        phoenix = f":{server.port}/"
        text = text.replace(":4000/", phoenix)
        text = text.replace("8080", str(self.ports["client"]))
        config = json.loads(text.replace('"python"', json.dumps(sys.executable)))
        # The path of its socket may have 100 characters, which trial's folder has not.
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (bridge,) = pieces("python", "bridge.py")
        (folder / "bridge.py").write_text(bridge.replace(":4000/", phoenix), "utf-8")
        started = Node(self.reactor, "the page's node", folder, config)
        self.addCleanup(started.stop)
        await started.start()
        # That of the container, and that of the guest.
        await started.program.said("bridge of phx in realm", after=1)

    async def test_programs(self) -> None:
        """The pieces of Python print what the page says; so does the JavaScript."""
        await self.page_node()
        client = await self.join()
        printed: list[str] = []
        names: dict[str, Any] = {}
        exec(program(), names)
        await names["program"](
            client, lambda *words: printed.append(" ".join(map(str, words)))
        )
        for text in pieces("text"):
            for line in text.strip().splitlines():
                self.assertIn(line, printed)
        self.assertIn("new_msg: hello", printed)
        self.assertIn("new_msg in rooms:lobby", printed)
        self.assertIn("reply: {}", printed)
        self.assertIn("present: ['ann']", printed)
        await self.javascript()

    async def javascript(self) -> None:
        """Run it, where Node and autobahn-js are; elsewhere it is only read."""
        (text,) = pieces("javascript")
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        (folder / "client.mjs").write_text(text, "utf-8")
        found = shutil.which("node")
        modules = os.environ.get("AUTOBAHN_JS")
        if found is None:
            return
        subprocess.run([found, "--check", str(folder / "client.mjs")], check=True)
        if modules is None:
            return
        (folder / "node_modules").symlink_to(modules)
        url = realm_url(self.ports["client"])
        script = Program(
            self.reactor,
            "the JavaScript",
            [found, str(folder / "client.mjs"), url],
            folder,
            {},
        )
        self.addCleanup(script.stop)
        script.start()
        await script.said("reply: {}")
        await script.said("heard: phx.rooms:lobby.new_msg hello from JavaScript")
        await script.ended()

    def test_example(self) -> None:
        """The example node is what the page shows, with a second bridge."""
        example = json.loads(EXAMPLE.read_text("utf-8"))
        router, first, second = example["workers"]
        self.assertEqual([router, first], workers())
        text = json.dumps(first).replace("bridge-1", "bridge-2")
        self.assertEqual(second, json.loads(text))
        self.assertEqual(example["controller"]["options"]["shutdown"], list(STAYS))
