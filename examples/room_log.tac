"""A service for twistd in one file, the smallest there is: it logs what is said.

Run it::

    python -m txphoenix serve                  # in another terminal
    twistd -ny examples/room_log.tac
    PHOENIX_URL=wss://example.org/socket twistd -ny examples/room_log.tac

You see::

    [room_log#info] joined rooms:lobby
    [room_log#info] rooms:lobby: new_msg {'user_id': 'ann', 'body': 'hello'}

``examples/twistd_service`` is a larger one, with a configuration and a plugin.
"""

from __future__ import annotations

import os

from twisted.application.service import Application
from twisted.logger import Logger

from txphoenix import Channel, SocketClient

log = Logger("room_log")


class RoomLog(Channel):
    """Logs every event of its room."""

    def handle_join(self, response):
        """Log each join and each rejoin."""
        log.info("joined {topic}", topic=self.topic)

    def handle_in(self, event, payload):
        """Log an event."""
        log.info(
            "{topic}: {event} {payload}",
            topic=self.topic,
            event=event,
            payload=payload,
        )


client = SocketClient(
    os.environ.get("PHOENIX_URL", "ws://localhost:4000/socket"),
    params={"user_id": "room_log"},
    topic_channel_map={"rooms:*": RoomLog},
    # Joined whenever connected; a join that fails is tried again.
    join_channels=["rooms:lobby"],
)

application = Application("room_log")
client.setServiceParent(application)
