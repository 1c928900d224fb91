"""Tests of tracers, which are told of calls where they are made."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient, telemetry
from txphoenix.telemetry.tracing import tracers
from txphoenix.testing import EchoChannel, MemoryServer
from txphoenix.testing.cases import PhoenixMixin


class Recorder:
    """A tracer that keeps what it is told, and adds to what is sent."""

    def __init__(self, name: str = "", raises: str = "") -> None:
        self.name = name
        self.told: list[Any] = []
        self._raises = raises

    def tell(self, what: str, *details: Any) -> Any:
        """Keep it; return who is told of the end."""
        self.told.append((what, *details))
        if what == self._raises:
            raise ValueError("no")
        return lambda error: self.tell(f"{what} ended", error)

    def connect_begins(self, client: Any, url: str) -> Any:
        """An attempt to connect."""
        return self.tell("connect")

    def push_begins(
        self, client: Any, channel: Any, event: str, payload: Any, wants_reply: bool
    ) -> Any:
        """A push."""
        ended = self.tell("push", event, wants_reply)
        return {**payload, f"from{self.name}": event}, ended

    def join_begins(self, client: Any, channel: Any) -> Any:
        """A join."""
        return self.tell("join")

    def join_sends(self, client: Any, channel: Any, params: Any) -> Any:
        """An attempt to join."""
        self.tell("join sends")
        return {**params, f"joined{self.name}": True}


class TracerTests(PhoenixMixin, SynchronousTestCase):
    """A tracer is told of each call, and of its end."""

    def attach(self, **options: str) -> Recorder:
        """Attach one, until the test ends."""
        recorder = Recorder(**options)
        telemetry.attach_tracer(recorder)
        self.addCleanup(telemetry.detach_tracer, recorder)
        return recorder

    def talk(self, client: SocketClient, server: MemoryServer) -> Any:
        """Join and push; return both answers."""
        channel = client.channel("echo:1", {"a": 1})
        joining = channel.join()
        server.flush()
        pushing = channel.push("say", {"b": 2})
        server.flush()
        answers = self.successResultOf(joining), self.successResultOf(pushing)
        channel.push_async("hint", {})
        return answers

    def run_client(self) -> Any:
        """Connect, join and push; return both answers."""
        server = self.phoenix_memory_server({"echo:*": EchoChannel})
        client = SocketClient(
            server.url, endpoint=server.endpoint, reactor=server.clock
        )
        client.startService()
        server.flush()
        answers = self.talk(client, server)
        client.stopService()
        server.flush()
        return answers

    def test_told(self) -> None:
        """Each call and its end, in order; what it adds is sent."""
        recorder = self.attach()
        joined, replied = self.run_client()
        self.assertEqual(joined, {"a": 1, "joined": True})
        self.assertEqual(replied, {"b": 2, "from": "say"})
        self.assertEqual(
            recorder.told,
            [
                ("connect",),
                ("connect ended", None),
                ("join",),
                ("join sends",),
                ("join ended", None),
                ("push", "say", True),
                ("push ended", None),
                ("push", "hint", False),
            ],
        )

    def test_several(self) -> None:
        """Each of several adds its own to what is sent."""
        self.attach(name=" one")
        self.attach(name=" other")
        _, replied = self.run_client()
        self.assertEqual(replied, {"b": 2, "from one": "say", "from other": "say"})

    def test_raises(self) -> None:
        """One that raises is logged and detached, and the call goes on without it."""
        for what in (
            "connect",
            "connect ended",
            "join",
            "join sends",
            "join ended",
            "push",
            "push ended",
        ):
            recorder = self.attach(raises=what)
            _, replied = self.run_client()
            self.assertEqual(replied["b"], 2, what)
            self.assertEqual(tracers, [], what)
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
            self.assertIn(what, [told for told, *_ in recorder.told])

    def test_detach(self) -> None:
        """Whether it was attached is told."""
        recorder = self.attach()
        self.assertTrue(telemetry.detach_tracer(recorder))
        self.assertFalse(telemetry.detach_tracer(recorder))
        self.run_client()
        self.assertEqual(recorder.told, [])

    def test_wrong_argument(self) -> None:
        """A push whose arguments are wrong is none."""
        recorder = self.attach()
        server = self.phoenix_memory_server({"echo:*": EchoChannel})
        client = SocketClient(
            server.url, endpoint=server.endpoint, reactor=server.clock
        )
        channel = client.channel("echo:1")
        self.failureResultOf(channel.push("phx_leave"))
        self.failureResultOf(channel.push("say", timeout=-1))
        self.assertEqual(recorder.told, [])
