"""The log of an outage: a server ends, stays away for a while, and comes back.

Run it; it brings its own server::

    python examples/outage_log.py
    python examples/outage_log.py --down 5 --channels 1000 --json

You see all that an operator sees of a client at the level info, and nothing of other
libraries but their warnings::

    [txphoenix.client#warn] chat: the connection is lost: connection closed with ...
    [txphoenix.client#info] chat: connected again after 3.5 s; attempts: 2
    [txphoenix.client#warn] chat: the outage is over after 3.5 s; attempts: 2; ...
"""

from __future__ import annotations

import argparse
import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    jsonFileLogObserver,
    textFileLogObserver,
)

from txphoenix import SocketClient
from txphoenix.testing import ChatRoom, PhoenixServer


def log_to_stdout(as_json: bool) -> None:
    """Log what txphoenix says from info on, and what all others warn of."""
    levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    levels.setLogLevelForNamespace("txphoenix", LogLevel.info)
    # Each event on a line of its own, as journald and log collectors want it.
    written = (
        jsonFileLogObserver(sys.stdout, recordSeparator="")
        if as_json
        else textFileLogObserver(sys.stdout)
    )
    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(written, [levels])],
        redirectStandardIO=False,
        discardBuffer=True,
    )


async def main(reactor: object, *arguments: str) -> None:
    """Run until all is as it was before the outage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--down", type=float, default=3.0, help="seconds")
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)

    log_to_stdout(options.json)
    server = PhoenixServer({"rooms:*": ChatRoom}, channel_limit=None)
    await server.start()
    client = SocketClient(
        server.url,
        name="chat",
        join_channels=[f"rooms:{number}" for number in range(options.channels)],
    )
    client.startService()
    await client.when_connected()
    await client.channels.when_settled()

    await server.stop(drain=False)
    await deferLater(reactor, options.down)
    await server.start()

    back: Deferred[object] = Deferred()
    client.on_open(lambda: back.callback(None))
    if not client.connected:
        await back
    await client.channels.when_settled()
    await client.stopService()
    await server.stop()


if __name__ == "__main__":
    react(main, sys.argv[1:])
