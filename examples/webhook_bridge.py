"""A bridge to webhooks: each event of a topic is sent to a URL by HTTP, with treq.

Run it, with a server such as ``python -m txphoenix serve``, and a receiver of yours::

    URL=ws://localhost:4000/socket
    python examples/webhook_bridge.py $URL rooms:lobby http://localhost:8000/hook

You see, and at Ctrl-C or SIGTERM what became of the events::

    forwarding rooms:lobby to localhost:8000
    delivered 3, refused 0, left 0, dropped 0

Events are POSTed one after the other, in order, each until the receiver has taken it:
if it is away, again and again, with growing delays.
So it has each event *at least once*, and knows one that comes again by ``webhook-id``.
What it answers with 4xx, or sends elsewhere by 3xx, is refused for good, and the next
event follows.

Meanwhile events wait in the channel's queue, which is bounded (``receive_buffer``).
While that is full the Phoenix server is made to wait; after 40 seconds in which none
was taken the oldest are dropped, and counted.
It is in memory: what must survive the process is for ``examples/outbox.py``.

With ``WEBHOOK_SECRET`` (``whsec_`` and base64) in the environment each POST is signed,
as https://www.standardwebhooks.com/ has it.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import sys
from base64 import b64decode, b64encode
from functools import partial
from time import time
from urllib.parse import urlsplit
from uuid import uuid4

import treq
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater, react

from txphoenix import SocketClient
from txphoenix.backoff import exponential
from txphoenix.errors import PhoenixError

# What a receiver may answer to be asked again, beside the errors of its own (5xx).
PASSING = {408, 425, 429}


class Rest(Protocol):
    """What an answer has behind its status: nobody wants it, be it broken or long.

    Where it ends in good time the connection is used again; else that is closed.
    """

    def __init__(self, reactor, limit=65536, patience=10):
        self.left, self.ended = limit, Deferred()
        self.late = reactor.callLater(patience, self.give_up)

    def dataReceived(self, data):
        """Count it."""
        self.left -= len(data)
        if self.left < 0:
            self.give_up()

    def give_up(self):
        """Close the connection."""
        self.transport.loseConnection()
        self.connectionLost()

    def connectionLost(self, reason=None):
        """Be at its end, whatever that is."""
        if self.late.active():
            self.late.cancel()
        if not self.ended.called:
            self.ended.callback(None)


class Webhook:
    """Where events go.

    :param url: takes them.
    :param secret: what POSTs are signed with; they are not without it.
    :param backoff: how long to wait after so many failures.
    """

    def __init__(self, reactor, url, secret="", backoff=None):
        self.reactor, self.url = reactor, url
        self.key = b64decode(secret.removeprefix("whsec_"), validate=True)
        self.backoff = backoff or exponential(base=1.0, factor=2.0, maximum=60.0)
        self.rest = partial(Rest, reactor)
        self.delivered = self.refused = 0
        self.is_delivering = False

    async def deliver(self, message):
        """POST an event until it is taken, or refused for good."""
        event = {
            "topic": message.topic,
            "event": message.event,
            "payload": message.payload,
        }
        # A binary payload is written in base64.
        body = json.dumps(event, default=lambda raw: b64encode(raw).decode()).encode()
        message_id, failures = f"msg_{uuid4().hex}", 0
        while True:
            try:
                status = await self.post(message_id, body)
            except Exception as error:
                status = type(error).__name__
            if status in range(200, 300):
                self.delivered += 1
                return
            if status in range(300, 500) and status not in PASSING:
                self.refused += 1
                print(f"{message.event} refused: {status}")
                return
            if failures == 0:
                print(f"{message.event} not taken: {status}; trying again")
            await deferLater(self.reactor, self.backoff(failures))
            failures += 1

    async def post(self, message_id, body):
        """POST once, and return the answer's status."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(time())),
        }
        if self.key:
            headers["webhook-signature"] = self.sign(headers, body)
        answer = await treq.post(
            self.url,
            data=body,
            headers=headers,
            timeout=10,
            allow_redirects=False,
            unbuffered=True,
        )
        rest = self.rest()
        answer.deliverBody(rest)
        await rest.ended
        return answer.code

    def sign(self, headers, body):
        """The signature of a POST."""
        begin = f"{headers['webhook-id']}.{headers['webhook-timestamp']}."
        made = hmac.digest(self.key, begin.encode() + body, "sha256")
        return f"v1,{b64encode(made).decode()}"


async def forward(channel, webhook):
    """Deliver what comes, one event after the other, until the channel ends."""
    async for message in channel:
        webhook.is_delivering = True
        await webhook.deliver(message)
        webhook.is_delivering = False


def address(text):
    """Check the receiver's URL: with another, each attempt would fail."""
    try:
        parts = urlsplit(text)
    except ValueError:
        # argparse would show the text, and a password in it.
        parts = urlsplit("")
    is_http = parts.scheme in ("http", "https") and parts.hostname
    if not is_http or "@" in parts.netloc:
        raise argparse.ArgumentTypeError("not a URL such as https://example.org/hook")
    return text


async def main(reactor, *arguments):
    """Forward a topic's events until there is a SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="of the socket")
    parser.add_argument("topic")
    parser.add_argument("hook", type=address, help="what takes the events")
    args = parser.parse_args(arguments)
    try:
        webhook = Webhook(reactor, args.hook, os.environ.get("WEBHOOK_SECRET", ""))
    except ValueError as error:
        sys.exit(f"WEBHOOK_SECRET: {error}")
    client = SocketClient(args.url, params={"user_id": "webhooks"})
    client.startService()
    try:
        _, channel = await client.join(args.topic)
    except PhoenixError as error:
        sys.exit(f"not forwarding: {error}")
    print(f"forwarding {args.topic} to {urlsplit(args.hook).netloc}")

    is_stopping = False

    def stop():
        nonlocal is_stopping
        is_stopping = True
        left = client.buffers().unread.size + webhook.is_delivering
        print(
            f"delivered {webhook.delivered}, refused {webhook.refused}, left {left},"
            f" dropped {channel.dropped_messages}"
        )
        # What is left ends the loop below; what is stopped would fail it.
        return channel.leave().addCallback(lambda _: client.stopService())

    reactor.addSystemEventTrigger("before", "shutdown", stop)
    await forward(channel, webhook)
    if not is_stopping:
        sys.exit(f"the server has closed {args.topic}")


if __name__ == "__main__":
    # Who follows it through a pipe, as a service manager does, sees each line at once.
    sys.stdout.reconfigure(line_buffering=True)
    react(main, sys.argv[1:])
