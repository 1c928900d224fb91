"""The programs in ``examples/`` run as they are.

They are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import TestCase

from txphoenix.test.cli_program import ROOT, Program, start_program
from txphoenix.testing.cases import PhoenixMixin

EXAMPLES = ROOT / "examples"


class ExampleTests(PhoenixMixin, TestCase):
    """Each example, at the demonstration server."""

    timeout = 120
    skip = None if EXAMPLES.exists() else "installed without its examples"

    def start(self, name: str, *arguments: str) -> Program:
        """Start an example."""
        return start_program(self, os.fspath(EXAMPLES / name), *arguments)

    def test_all(self) -> None:
        """Each has a test: here, for the outbox, or in that of a how-to page."""
        names = sorted(path.name for path in EXAMPLES.iterdir() if path.is_file())
        self.assertEqual(
            names,
            [
                "absinthe_comments.py",
                "chat.py",
                "first_program.py",
                "outage_log.py",
                "outbox.py",
                "room_log.tac",
                "supabase_changes.py",
                "treq_token.py",
                "webhook_bridge.py",
            ],
        )

    def test_first_program_is_short(self) -> None:
        """The first program has at most fifteen lines."""
        text = (EXAMPLES / "first_program.py").read_text("utf-8")
        lines = [line for line in text.splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 15)
        # It is for the server that ``serve`` starts without options.
        self.assertIn('"ws://localhost:4000/socket"', text)

    async def test_first_program(self) -> None:
        """It joins, pushes, and prints the replies and what comes."""
        server = await self.phoenix_server()
        program = self.start("first_program.py", server.url)
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        self.assertEqual(
            program.out.text,
            "joined: {'topic': 'rooms:lobby', 'user_id': 'ann'}\n"
            "in the room: hello\n"
            "reply: {}\n",
        )

    async def test_chat(self) -> None:
        """Two chat; one loses the connection and comes back, then leaves."""
        server = await self.phoenix_server(
            connect=lambda params, socket: params["user_id"]
        )
        ann = self.start("chat.py", "ann", server.url)
        await ann.out.wait_for("* you are in rooms:lobby\n")
        bob = self.start("chat.py", "bob", server.url)
        await ann.out.wait_for("* bob comes in\n")
        await bob.out.wait_for("* you are in rooms:lobby\n")
        ann.transport.writeToChild(0, "hé\n".encode())
        await bob.out.wait_for("ann: hé\n")

        server.drop("bob")
        await bob.out.wait_for("code 1006")
        bob.transport.writeToChild(0, b"back soon\n")
        await ann.out.wait_for("bob: back soon\n")
        await bob.out.wait_for("* you are in rooms:lobby\n", 2)

        bob.transport.closeChildFD(0)
        self.assertEqual((await bob.ended, bob.err.text), (0, ""))
        await ann.out.wait_for("* bob has left\n", 2)
        ann.transport.closeChildFD(0)
        self.assertEqual((await ann.ended, ann.err.text), (0, ""))

    async def test_room_log(self) -> None:
        """The application logs what it hears, and a SIGTERM ends it in good order."""
        server = await self.phoenix_server()
        program = start_program(
            self,
            "-c",
            "from twisted.scripts.twistd import run; run()",
            "--nodaemon",
            f"--pidfile={self.mktemp()}",
            f"--python={EXAMPLES / 'room_log.tac'}",
            env={"PHOENIX_URL": server.url},
        )
        await program.out.wait_for("joined rooms:lobby")
        server.broadcast("rooms:lobby", "new_msg", {"body": "hi"})
        await program.out.wait_for("rooms:lobby: new_msg {'body': 'hi'}")
        server.drop()
        await program.out.wait_for("joined rooms:lobby", 2)
        disconnected = server.when_disconnected()
        program.interrupt("TERM")
        await disconnected
        await program.ended
        self.assertNotIn("Traceback", program.out.text)
        self.assertIn("Server Shut Down.", program.out.text)
