"""The node in ``examples/crossbar/`` runs as it is, by one command."""

from __future__ import annotations

import sys
from pathlib import Path

from ..configuration import free_port
from ..node import ROOT
from ..program import Program
from .case import CrossbarCase

EXAMPLE = ROOT / "examples" / "crossbar" / "run.py"


class ExampleTests(CrossbarCase):
    """``examples/crossbar/run.py``."""

    async def test_runs(self) -> None:
        """It shows an event, the reply to a push and an error, and ends."""
        ports = ["--router-port", str(free_port()), "--phoenix-port", str(free_port())]
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        command = [sys.executable, "-u", str(EXAMPLE), *ports]
        example = Program(
            self.reactor, "the example", command, folder, {"PYTHONPATH": str(ROOT)}
        )
        self.addCleanup(example.stop)
        example.start()
        await example.said("heard in rooms:lobby: new_msg {'user_id': 'bridge-")
        await example.said("pushed, and the server replied {}")
        await example.said("pushed, and got phx.error.refused: ('error', ")
        await example.ended()
