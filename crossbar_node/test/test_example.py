"""The node in ``examples/crossbar/`` runs as it is, by one command."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from ..configuration import free_port
from ..node import ROOT
from ..program import Program
from .case import CrossbarCase

EXAMPLE = ROOT / "examples" / "crossbar" / "run.py"


class ExampleTests(CrossbarCase):
    """``examples/crossbar/run.py``."""

    def example(self, router_port: int) -> Program:
        """Start it."""
        ports = ["--router-port", str(router_port), "--phoenix-port", str(free_port())]
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        command = [sys.executable, "-u", str(EXAMPLE), *ports]
        example = Program(
            self.reactor, "the example", command, folder, {"PYTHONPATH": str(ROOT)}
        )
        self.addCleanup(example.stop)
        example.start()
        return example

    async def test_runs(self) -> None:
        """It shows an event, the reply to a push and an error, and ends."""
        example = self.example(free_port())
        await example.said("heard in rooms:lobby: new_msg {'user_id': 'bridge-")
        await example.said("pushed, and the server replied {}")
        await example.said("pushed, and got phx.error.refused: ('error', ")
        await example.ended()

    async def test_taken(self) -> None:
        """A port that is taken is said in one line, and nothing is started."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            example = self.example(port)
            said = f"port {port}: Address already in use; --router-port takes another"
            await example.said(said)
            await example.ended()
        self.assertEqual(example.count(" ..."), 0)
