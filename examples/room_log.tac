"""A service that logs what is said in a room, under twistd.

::

    python -m txphoenix serve                                        # a server for it
    twistd --nodaemon --python examples/room_log.tac                 # the service
    PHOENIX_URL=wss://example.org/socket twistd -ny examples/room_log.tac
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
