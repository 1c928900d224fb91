"""A chat on the terminal, which survives an outage.

Run it::

    python -m txphoenix serve       # in another terminal
    python examples/chat.py ann
    python examples/chat.py bob     # in one more

You see::

    * you are in rooms:lobby
    * bob comes in
    bob: hello

What you type goes to all in the room; Ctrl-D ends it.
The room survives a restart of the server, and what you type meanwhile is kept.
"""

from __future__ import annotations

import sys

from twisted.internet.defer import Deferred
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver

from txphoenix import Channel, SocketClient
from txphoenix.errors import PhoenixError


class Terminal(LineOnlyReceiver):
    """The person at the keyboard."""

    delimiter = b"\n"

    def __init__(self):
        self.channel = None
        self.closed = Deferred()

    def show(self, text):
        """Print a line."""
        self.transport.write(f"{text}\n".encode())

    def lineReceived(self, line):
        """Say it to all in the room."""
        try:
            self.channel.push_async("new_msg", {"body": line.decode()})
        except PhoenixError as error:
            self.show(f"* not said: {error}")

    def connectionLost(self, reason):
        """Be done."""
        self.closed.callback(None)


class ChatRoom(Channel):
    """The room, as one of those in it sees it."""

    terminal = None

    def handle_join(self, response):
        """Be in the room, for the first time or again."""
        self.terminal.show(f"* you are in {self.topic}")

    def handle_in(self, event, payload):
        """Show what is said, and who comes and goes."""
        user = payload["user_id"]
        if event == "new_msg":
            self.terminal.show(f"{user}: {payload['body']}")
        elif event == "user_joined":
            self.terminal.show(f"* {user} comes in")
        elif event == "user_left":
            self.terminal.show(f"* {user} has left")


async def main(reactor, name="anonymous", url="ws://localhost:4000/socket"):
    """Chat until the terminal is closed."""
    terminal = Terminal()
    try:
        client = SocketClient(url, params={"user_id": name})
        client.startService()
        await client.when_connected(fail_after_failures=1)
        room = client.channel("rooms:lobby", channel_class=ChatRoom)
        room.terminal, terminal.channel = terminal, room
        StandardIO(terminal)
        forget = client.on_close(lambda reason: terminal.show(f"* {reason}"))
        await room.join()
    except PhoenixError as error:
        sys.exit(f"no chat: {error}")

    await terminal.closed
    forget()
    await room.leave()
    await client.stopService()


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    react(main, sys.argv[1:])
