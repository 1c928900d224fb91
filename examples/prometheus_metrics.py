"""What a client does as metrics for Prometheus, and whether it is well at ``/health``.

It needs ``pip install 'txphoenix[metrics]'``.
Run it, with a server of its own, or against yours with a port that Prometheus knows::

    python examples/prometheus_metrics.py
    python examples/prometheus_metrics.py wss://example.org/socket --port 9464

You see, and with your server it then goes on until Ctrl-C::

    metrics and health are served at http://127.0.0.1:9464
    $ curl -s http://127.0.0.1:9464/metrics | grep txphoenix_push_replies_total
    txphoenix_push_replies_total{client="chat",status="ok"} 3.0
    txphoenix_push_replies_total{client="chat",status="error"} 0.0
    $ curl -s http://127.0.0.1:9464/health
    200 healthy
    $ curl -s http://127.0.0.1:9464/health   (while the server is away)
    503 unhealthy

``examples/grafana`` has a dashboard and rules for alerts.
"""

from __future__ import annotations

import argparse
import json
import sys

import treq
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from txphoenix import ConfigurationError, SocketClient
from txphoenix.metrics import MetricsService
from txphoenix.testing import ChatRoom, PhoenixServer


async def ask_for_metrics(url, name):
    """Do what Prometheus does every few seconds, and print the lines of one metric."""
    print(f"$ curl -s {url}/metrics | grep {name}", flush=True)
    response = await treq.get(f"{url}/metrics")
    for line in (await response.text()).splitlines():
        if line.startswith(name):
            print(line, flush=True)


async def ask_for_health(url, when=""):
    """Do what Kubernetes does."""
    print(f"$ curl -s {url}/health{when}", flush=True)
    response = await treq.get(f"{url}/health")
    report = json.loads(await response.text())
    print(response.code, report["status"], flush=True)


async def show(url, server, client):
    """Give the client something to do, and ask how it does."""
    await client.channels.when_settled()
    room = client.channels.find("rooms:lobby")
    for number in range(3):
        await room.push("new_msg", {"body": str(number)})
    await ask_for_metrics(url, "txphoenix_push_replies_total")
    await ask_for_health(url)
    lost = Deferred()
    client.on_close(lost.callback)
    await server.stop()
    await lost
    await ask_for_health(url, "   (while the server is away)")


async def main(reactor, *arguments):
    """Serve the metrics of one client."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="of the socket")
    parser.add_argument("--topic", default="rooms:lobby")
    parser.add_argument("--port", default="0", help="or the description of an endpoint")
    args = parser.parse_args(arguments)
    server = None
    if args.url is None:
        server = await PhoenixServer({"rooms:*": ChatRoom}).start()

    # All clients of the process are counted, under their names.
    try:
        metrics = MetricsService(args.port)
        metrics.startService()
    except ConfigurationError as error:
        sys.exit(f"metrics: {error}")
    address = await metrics.when_listening()
    url = f"http://127.0.0.1:{address.port}"
    print("metrics and health are served at", url, flush=True)
    try:
        client = SocketClient(
            server.url if server else args.url,
            name="chat",
            join_channels=[args.topic],
        )
    except ConfigurationError as error:
        sys.exit(f"client: {error}")
    client.startService()
    for service in (client, metrics):
        reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    if server is not None:
        await client.when_connected()
        await show(url, server, client)
    else:
        await Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
