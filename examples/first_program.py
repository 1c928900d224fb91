"""A first program: it joins a room, pushes a message and hears it.

Run it::

    python -m txphoenix serve           # in another terminal
    python examples/first_program.py

You see::

    joined: {'topic': 'rooms:lobby', 'user_id': 'ann'}
    in the room: hello
    reply: {}
"""

from __future__ import annotations

import sys

from twisted.internet.task import react

from txphoenix import SocketClient


async def main(reactor, url="ws://localhost:4000/socket"):
    """Join a room, push a message, print the reply."""
    client = SocketClient(url, params={"user_id": "ann"})
    client.startService()
    await client.when_connected(fail_after_failures=1)
    channel = client.channel("rooms:lobby")
    channel.on("new_msg", lambda payload: print("in the room:", payload["body"]))
    print("joined:", await channel.join())
    print("reply:", await channel.push("new_msg", {"body": "hello"}))
    await client.stopService()


react(main, sys.argv[1:])
