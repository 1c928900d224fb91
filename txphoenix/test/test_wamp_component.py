"""The bridge as a component of Autobahn's, over TCP."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from autobahn.twisted.component import Component
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from txphoenix.errors import ConfigurationError
from txphoenix.testing import EchoChannel, PhoenixServer
from txphoenix.wamp import BridgeSession, bridge_component

from .wamp_over_tcp import listen
from .wamp_router import WampRouter

LOBBY = "rooms:lobby"


class ComponentTests(TestCase):
    """bridge_component()."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]
        """Have a router and a Phoenix server."""
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.router = WampRouter(cast(IReactorTime, reactor))
        self.port: IListeningPort = listen(self.router, reactor)
        self.server = await PhoenixServer({"*": EchoChannel}).start()
        self.addCleanup(self.end)

    async def end(self) -> None:
        """Stop both."""
        self.router.stop()
        await maybeDeferred(self.port.stopListening)
        await self.server.stop()

    def component(self, extra: Any, **more: Any) -> Component:
        """A bridge that connects to the router."""
        transport = {
            "type": "rawsocket",
            "serializer": "json",
            "endpoint": {
                "type": "tcp",
                "host": "127.0.0.1",
                "port": cast(Any, self.port.getHost()).port,
            },
            "max_retries": 5,
            "initial_retry_delay": 0.01,
            **more,
        }
        return bridge_component([transport], "realm1", extra)

    async def test_bridges(self) -> None:
        """It joins the realm and the topics, and ends with its session in order."""
        component = self.component({"url": self.server.url, "topics": [LOBBY]})
        done: Deferred[None] = component.start(self.reactor)
        await self.server.when_joined(LOBBY)
        left = self.server.when_disconnected()
        await component.stop()
        await left
        await done
        self.assertEqual(self.server.connections, [])

    async def test_comes_back(self) -> None:
        """After the router was lost it connects, and joins, again."""
        component = self.component({"url": self.server.url, "topics": [LOBBY]})
        done: Deferred[None] = component.start(self.reactor)
        await self.server.when_joined(LOBBY)
        left = self.server.when_disconnected()
        for connection in list(self.router.connections):
            connection.lose()
        await left
        await self.server.when_joined(LOBBY)
        await component.stop()
        await done

    async def test_wrong_extra(self) -> None:
        """What is wrong is said at once."""
        self.assertRaises(ConfigurationError, self.component, {"urll": "ws://x"})

    async def test_no_restart_loop(self) -> None:
        """What is wrong by the time it connects ends it, and is not tried again."""
        path = Path(self.mktemp())
        path.write_text("token")
        component = self.component(
            {"url": self.server.url, "token_file": str(path.absolute())}
        )
        path.unlink()
        joined: list[Any] = []
        component.on("join", lambda _session, details: joined.append(details))
        with capturedLogs() as captured:
            await self.assertFailure(component.start(self.reactor), RuntimeError)
        self.assertEqual(len(joined), 1)
        lines = [
            formatEvent(event)
            for event in captured
            if event["log_namespace"] == "txphoenix.wamp"
        ]
        self.assertEqual(len(lines), 1)
        self.assertIn("token_file: cannot read", lines[0])

    async def test_options(self) -> None:
        """What else a Component takes is passed on."""
        fatal: list[BaseException] = []

        class OwnSession(BridgeSession):
            pass

        def is_fatal(error: BaseException) -> bool:
            fatal.append(error)
            return True

        component = bridge_component(
            "ws://127.0.0.1:1/ws",
            "realm1",
            {"url": self.server.url},
            session_factory=OwnSession,
            is_fatal=is_fatal,
        )
        self.assertIs(component.session_factory, OwnSession)
        error = ApplicationError("wamp.error.no_such_realm")
        self.assertTrue(component._is_fatal(error))
        self.assertEqual(fatal, [error])
