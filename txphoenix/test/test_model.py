"""The model test: what a user is promised is so, whatever happens in whatever order.

:mod:`txphoenix.test.model` has the model, and says where what is.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .model.machine import machine_for
from .model.running import run
from .model.topic import ModelCrash


class ModelTests(SynchronousTestCase):
    """Real client and real server, with a plain model of both beside them."""

    def hold(self, transport: str) -> None:
        """Run the model; what its own hooks raise is logged."""
        self.addCleanup(self.flushLoggedErrors, ModelCrash)
        run(transport)

    def test_websocket(self) -> None:
        """Every promise is kept over WebSocket."""
        self.hold("websocket")

    def test_longpoll(self) -> None:
        """Every promise is kept over long-poll."""
        self.hold("longpoll")

    def test_fallback(self) -> None:
        """Every promise is kept where long-poll takes the place of WebSocket."""
        self.hold("fallback")


class EndedOpeningTests(SynchronousTestCase):
    """What the server ends before the client was told that it is open has a cause."""

    def end(self, transport: str, deed: str) -> int:
        """Have a server do something to a session whose opening is under way.

        :return: how often the client has told of a loss by the time all is at rest.
        """
        state = machine_for(transport)()
        state.begin({}, 0, False, True)
        world = state.world
        assert world is not None
        try:
            state.go("start", 0)
            while not world.server.sessions:
                world.server.carry(20)
            self.assertFalse(world.link.is_told_open)
            state.server_does(deed, -1)
            state.advance(45.0)
            state.promises()
        finally:
            state.teardown()
        # The last is by the stop.
        return world.link.losses - 1

    def test_longpoll(self) -> None:
        """Over long-poll the next request is told that the session is gone."""
        for deed in ("drop", "kick", "drain"):
            self.assertEqual(self.end("longpoll", deed), 1, deed)

    def test_websocket(self) -> None:
        """Over WebSocket the close frame comes behind the answer to the handshake."""
        for deed in ("kick", "drain", "stop"):
            self.assertEqual(self.end("websocket", deed), 1, deed)

    def test_restart(self) -> None:
        """An attempt that fails by a restart has its delay spread, as a loss has."""
        for deed in ("drain", "stop"):
            self.assertEqual(self.end("fallback", deed), 0, deed)
