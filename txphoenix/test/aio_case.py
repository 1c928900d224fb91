"""What the tests share that run asyncio programs as processes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

import txphoenix
from txphoenix.testing import (
    PhoenixServer,
    PresenceChannel,
    ServerChannel,
    error,
    ok,
)
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.tls import self_signed

from .cli_program import CHECKED, Program, start_program

__all__ = ["NO_UVLOOP", "ROOT", "AioTestCase", "complaints"]

ROOT = Path(txphoenix.__file__).parent.parent

NO_UVLOOP = (
    None if find_spec("uvloop") else "uvloop is not installed: pip install uvloop"
)

# What asyncio says of it where it is watched.
_SLOWNESS = re.compile(r"^Executing <.* took \d+\.\d+ seconds\n", re.M)

LOOPS = ("asyncio",) if NO_UVLOOP else ("asyncio", "uvloop")


def complaints(program: Program) -> str:
    """What a program says on standard error; how fast this machine is, is no fault."""
    return _SLOWNESS.sub("", program.err.text)


class Room(ServerChannel):
    """A channel of the server that does what the pushed event says."""

    def join(self, params: Any) -> Any:
        """Let all in, and say what they came with."""
        return [params, self.socket.params.get("user_id")]

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do what the event says."""
        if event == "drop":
            self.endpoint.drop()
        elif event == "echo":
            return ok(payload)
        elif event == "refuse":
            return error(payload)
        elif event == "shout":
            self.broadcast("shouted", payload)
            return ok()
        elif event == "stop":
            self.stop()
            return ok()
        # "silent", or anything else.
        return None


class Held(ServerChannel):
    """A channel whose joins are never answered."""

    def join(self, params: Any) -> Any:
        """Take for ever."""
        held: Deferred[Any] = Deferred()
        return held


class Tracked(PresenceChannel):
    """A channel that tells who is there."""

    def after_join(self) -> None:
        """Be there."""
        self.track("ann")
        self.push_presence_state()


class AioTestCase(PhoenixMixin, TestCase):
    """Tests of asyncio programs, each with a server in this process."""

    # The program ends itself before that, and shows where it stands.
    timeout = 120

    async def server(self, **given: Any) -> PhoenixServer:
        """A server for the programs."""
        channels = {"rooms:*": Room, "held:*": Held, "tracked:*": Tracked}
        return await self.phoenix_server(channels, **given)

    async def secure_server(self) -> tuple[PhoenixServer, str]:
        """A server with TLS, and the file that has its certificate."""
        credentials = self_signed()
        path = os.path.abspath(self.mktemp())
        with open(path, "wb") as file:
            file.write(credentials.trust_root.dumpPEM())
        return await self.server(tls=credentials.server), path

    def start(
        self, loop: str, scenario: str, *args: str, env: Mapping[str, str] | None = None
    ) -> Program:
        """Start a scenario, with all of Python's and asyncio's own checks."""
        return start_program(
            self,
            *(*CHECKED, "-m", "txphoenix.test.aio_program"),
            *(loop, scenario, *args),
            env={"PYTHONASYNCIODEBUG": "1", **(env or {})},
        )

    async def run_scenario(self, loop: str, scenario: str, *args: str) -> Any:
        """Run a scenario, and check that it ends well and leaves nothing.

        :return: what it has returned.
        """
        program = self.start(loop, scenario, *args)
        code = await program.ended
        if code or complaints(program):
            self.fail(f"exit status {code}: {complaints(program)}")
        [*self.said, last] = map(json.loads, program.out.text.splitlines())
        result = last.pop("result")
        self.assert_left(last, loop)
        return result

    def assert_left(self, left: dict[str, Any], loop: str) -> None:
        """Nothing of ours is left in the loop, the reactor or the process."""
        self.assertEqual(
            left,
            {
                "loop": loop,
                "tasks": 0,
                "watched": 0 if loop == "asyncio" else None,
                "timers": 0,
                "reactor": "LoopReactor",
                "running": False,
                "calls": [],
                # Those of the watchdog and of Twisted's resolver are none of Python's.
                "threads": ["MainThread"],
            },
        )
