"""A Crossbar node: a folder with its configuration, and the processes that run it."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from .configuration import Config
from .environment import CROSSBAR
from .program import Program

__all__ = ["Node"]

ROOT = Path(__file__).parent.parent

BOOTED = "::NODE_BOOT_COMPLETE"
"""Of the line that says that every worker has started, its components too."""

STARTING = re.compile(r"\[(?:Container|Router)\s+(\d+)\] Starting .*-worker \"(.+?)\"")
GUEST = re.compile(r"\[Guest\s+(\d+)\]")


class Node:
    """A node that is started, looked at and stopped.

    :param name: what errors call it.
    :param folder: its folder, for its configuration, key and PID; it is made.
    """

    def __init__(self, reactor: Any, name: str, folder: Path, config: Config) -> None:
        self._reactor = reactor
        self._name = name
        self._folder = folder
        self._config = config
        self.program = self._new_program()

    def _new_program(self) -> Program:
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        return Program(
            self._reactor,
            self._name,
            [*CROSSBAR, "start", "--cbdir", str(self._folder)],
            self._folder,
            {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )

    async def start(self) -> Node:
        """Start it, and wait until all its workers have."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._config, indent=2)
        (self._folder / "config.json").write_text(text, "utf-8")
        if self.program.is_over:
            self.program = self._new_program()
        self.program.start()
        await self.program.said(BOOTED)
        return self

    async def stop(self) -> None:
        """End it, and its workers."""
        await self.program.stop()

    async def pid_of(self, worker: str) -> int:
        """The process of a router or container worker, by its id."""
        line = await self.program.said(f'-worker "{worker}" on node')
        found = STARTING.search(line)
        if found is None:
            raise ValueError(f"Crossbar has worded this otherwise than before: {line}")
        return int(found[1])

    async def kill(self, worker: str) -> None:
        """Kill the process of a worker: it can neither leave nor say so."""
        await self.signal(worker, signal.SIGKILL)

    async def signal(self, worker: str, number: signal.Signals) -> None:
        """Send a signal to the process of a worker."""
        os.kill(await self.pid_of(worker), number)
