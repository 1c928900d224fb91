"""The model test: what a user is promised is so, whatever happens in whatever order.

:mod:`txphoenix.test.model` has the model, and says where what is.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

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
