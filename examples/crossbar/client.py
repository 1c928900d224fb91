"""A WAMP client that knows nothing of Phoenix: it hears a room, and pushes to it.

Run it, and all that it needs::

    python examples/crossbar/run.py

You see, as a part of that::

    subscribed to rooms:lobby
    heard in rooms:lobby: new_msg {'user_id': 'bridge-1', 'body': 'hello from WAMP'}
"""

from __future__ import annotations

import sys

from autobahn.twisted.component import Component
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import EventDetails, SubscribeOptions
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from txphoenix.wamp import split_uri

ROUTER = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/ws"

client = Component(transports=ROUTER, realm="realm1")


@client.on_join
async def joined(session, _details):
    """Subscribe, push, and leave once the message has come back as an event."""
    heard = Deferred()

    def on_event(payload, details: EventDetails):
        topic, event = split_uri("phx", details.topic)
        print(f"heard in {topic}: {event} {payload}", flush=True)
        if event == "new_msg" and not heard.called:
            heard.callback(None)

    every_event = SubscribeOptions(match="prefix", details=True)
    await session.subscribe(on_event, "phx.rooms:lobby.", options=every_event)
    print("subscribed to rooms:lobby", flush=True)

    message = {"body": "hello from WAMP"}
    reply = await session.call("phx.push", "rooms:lobby", "new_msg", message)
    print(f"pushed, and the server replied {reply}", flush=True)
    await heard
    try:
        await session.call("phx.push", "rooms:lobby", "new_msg", {})
    except ApplicationError as error:
        print(f"pushed, and got {error.error}: {error.args}", flush=True)
    session.leave()


if __name__ == "__main__":
    react(client.start)
