"""The bridge's session: from the join of a realm to its end."""

from __future__ import annotations

from txphoenix.test.wamp_bridge_case import BridgeCase

LOBBY = "rooms:lobby"


class BridgeTests(BridgeCase):
    """Events and calls, through all of the bridge."""

    def test_events(self) -> None:
        """Who subscribes has the topic joined, and hears its events; the last leaves."""
        self.worker()
        self.assertEqual(self.server.channels(), [])
        subscription, heard = self.subscribe("phx.rooms:lobby.", "prefix")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.server.broadcast(LOBBY, "new_msg", {"body": "hi"})
        self.settle()
        self.assertEqual(heard, [(LOBBY, "new_msg", {"body": "hi"})])
        subscription.unsubscribe()
        self.settle(1)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_push(self) -> None:
        """A push is answered by what the server said, and joins the topic for it."""
        self.worker()
        self.assertEqual(self.result("push", LOBBY, "yes", {"a": 1}, 2), {"a": 1})
        self.assertEqual(self.result("push", LOBBY, "yes"), {})
        error = self.error("push", LOBBY, "no", {"reason": "bad"})
        self.assertEqual(error.error, "phx.error.refused")
        self.assertEqual(error.args, ("error", {"reason": "bad"}))
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.settle(40)
        self.assertEqual(self.server.channels(LOBBY), [])
