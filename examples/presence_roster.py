"""Who is in a room, since when and on which devices: a list that is kept up to date.

Run it, with a server and visitors of its own, or with a room of your server, whose
metas have ``device`` and ``online_at`` (seconds since 1970), as Phoenix's guide has::

    python examples/presence_roster.py
    python examples/presence_roster.py wss://example.org/socket rooms:lobby user_id=7

You see, a line that is drawn anew at each change, or, piped, one list after the other::

    2 in rooms:lobby
      ann           since 09:30:00  terminal
      bob           since 09:30:07  phone, laptop
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from shutil import get_terminal_size
from time import localtime, strftime, time

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from txphoenix import Presence, SocketClient
from txphoenix.errors import PhoenixError
from txphoenix.testing import PhoenixServer, PresenceChannel


def times_of(metas):
    """When those metas began that tell: a server may track anything."""
    for meta in metas:
        with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):
            yield localtime(float(meta["online_at"]))


def line_of(user, entry):
    """Make one user's line: there is a meta for each device, the oldest first."""
    metas = entry["metas"]
    began = min(times_of(metas), default=None)
    since = strftime("%H:%M:%S", began) if began else "?"
    devices = ", ".join(str(meta.get("device", "?")) for meta in metas)
    line = f"  {user:12}  since {since:8}  {devices}"
    # What others have chosen must not move the cursor.
    return "".join(each if each.isprintable() else "?" for each in line)


class Roster:
    """The list on the terminal.

    :param presence: who is there.
    :param title: what the list is of.
    """

    def __init__(self, presence, title):
        self.presence, self.title = presence, title
        self.drawn = 0
        # Called once the list has come, and after each change of it.
        presence.on_sync(self.draw)

    def draw(self):
        """Print the list, on a terminal in the place of the last one."""
        lines = sorted(self.presence.list(line_of))
        lines = [f"{len(lines)} in {self.title}", *lines]
        if sys.stdout.isatty():
            # What is wider or higher than the terminal could not be wiped out again.
            width, height = get_terminal_size()
            lines = [line[: width - 1] for line in lines[: height - 1]]
            # So many lines up, and all below is wiped out.
            print(f"\x1b[{self.drawn}A\x1b[J" if self.drawn else "", end="")
        print(*lines, sep="\n", flush=True)
        self.drawn = len(lines)


class Room(PresenceChannel):
    """The server's side, which in Phoenix is the module ``Presence``."""

    def after_join(self):
        """Track who has joined, and send the whole list."""
        meta = {"device": self.params["device"], "online_at": str(int(time()))}
        self.track(self.socket.params["user_id"], meta)
        self.push_presence_state()


async def visit(reactor, url, user, device, pause):
    """Come in; returned is a function that leaves again."""
    client = SocketClient(url, params={"user_id": user})
    client.startService()
    await client.join("rooms:lobby", {"device": device})
    await deferLater(reactor, pause)
    return client.stopService


async def show(reactor, pause):
    """Show it with a server and visitors of our own."""
    server = await PhoenixServer({"rooms:*": Room}).start()
    client = SocketClient(server.url, params={"user_id": "ann"})
    client.startService()
    _, room = await client.join("rooms:lobby", {"device": "terminal"})
    Roster(Presence(room), room.topic)
    on_phone = await visit(reactor, server.url, "bob", "phone", pause)
    on_laptop = await visit(reactor, server.url, "bob", "laptop", pause)
    for leave in (on_phone, on_laptop):
        await leave()
        await deferLater(reactor, pause)
    await client.stopService()
    await server.stop()


def pair(text):
    """Take a parameter apart."""
    name, _, value = text.partition("=")
    return name, value


async def main(reactor, *arguments):
    """Keep the list until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="of the socket")
    parser.add_argument("topic", nargs="?", default="rooms:lobby")
    parser.add_argument("param", nargs="*", type=pair, help="of the connection")
    parser.add_argument("--pause", type=float, default=1.0, help="of the show, seconds")
    args = parser.parse_args(arguments)
    if args.url is None:
        await show(reactor, args.pause)
        return
    client = SocketClient(args.url, params=dict(args.param))
    client.startService()
    reactor.addSystemEventTrigger("before", "shutdown", client.stopService)
    try:
        await client.when_connected(fail_after_failures=1)
        _, room = await client.join(args.topic)
    except PhoenixError as error:
        sys.exit(f"no list: {error}")
    Roster(Presence(room), args.topic)
    await Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
