"""Messages of ``client.push()`` to topics whose joins have not been sent."""

from __future__ import annotations

from txphoenix.protocol.message import Message

from .slow_joins import SlowJoinsTestCase


class MessageTests(SlowJoinsTestCase):
    """Messages of ``client.push()`` to topics whose joins are in line."""

    def test_kept(self) -> None:
        """What was kept for the connection goes out behind the join of its topic."""
        client, channels = self.joined(5, join_window=1)
        self.memory.seconds = 1.0
        self.lose_connection()
        client.push(Message(None, None, "rooms:4", "silent", {"n": 1}))
        client.push(Message(None, None, "rooms:0", "silent", {"n": 2}))
        self.reconnect()
        client.push(Message(None, None, "rooms:4", "silent", {"n": 3}))
        self.wait_until_joined(channels)
        sent = [
            (topic, event, payload.get("n"))
            for _, _, topic, event, payload in self.sent()
        ]
        self.assertEqual(
            sent[:2], [("rooms:0", "phx_join", None), ("rooms:0", "silent", 2)]
        )
        self.assertEqual(
            sent[-3:],
            [
                ("rooms:4", "phx_join", None),
                ("rooms:4", "silent", 1),
                ("rooms:4", "silent", 3),
            ],
        )
        refs = {message[0] for message in self.sent() if message[2] == "rooms:4"}
        self.assertEqual(len(refs), 1, "with the join_ref of the join")

    def test_lost_in_line(self) -> None:
        """Those that still wait at a loss are kept for the next connection."""
        client, channels = self.joined(3, join_window=1)
        self.memory.seconds = 1.0
        self.come_back()
        for number in range(3):
            client.push(Message(None, None, "rooms:2", "silent", {"n": number}))
        self.come_back()
        self.wait_until_joined(channels)
        self.assertEqual([it[4]["n"] for it in self.sent()[-3:]], [0, 1, 2])
