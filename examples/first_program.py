"""Run `python -m txphoenix serve`, and in another terminal this program."""

from __future__ import annotations

import sys

from twisted.internet.task import react

from txphoenix import SocketClient


async def main(reactor, url="ws://localhost:4000/socket"):
    """Join a room, push a message, print the reply."""
    client = SocketClient(url, params={"user_id": "ann"})
    client.startService()
    channel = client.channel("rooms:lobby")
    channel.on("new_msg", lambda payload: print("in the room:", payload["body"]))
    print("joined:", await channel.join())
    print("reply:", await channel.push("new_msg", {"body": "hello"}))
    await client.stopService()


react(main, sys.argv[1:])
