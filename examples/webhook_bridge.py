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
What it answers with 4xx is refused for good, and the next event follows.

Meanwhile events wait in the channel's queue, which is bounded (``receive_buffer``).
While that is full the Phoenix server is made to wait; after 40 seconds in which none
was taken the oldest are dropped, and counted.
It is in memory: what must survive the process is for ``examples/outbox.py``.

With ``WEBHOOK_SECRET`` (``whsec_`` and base64) in the environment each POST is signed,
as https://www.standardwebhooks.com/ has it.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
from base64 import b64decode, b64encode
from time import time
from urllib.parse import urlsplit
from uuid import uuid4

import treq
from twisted.internet.task import deferLater, react

from txphoenix import SocketClient
from txphoenix.backoff import exponential

# What a receiver may answer to be asked again, beside the errors of its own (5xx).
PASSING = {408, 425, 429}


class Webhook:
    """Where events go.

    :param url: takes them.
    :param secret: what POSTs are signed with; they are not without it.
    :param backoff: how long to wait after so many failures.
    """

    def __init__(self, reactor, url, secret="", backoff=None):
        self.reactor, self.url = reactor, url
        self.key = b64decode(secret.removeprefix("whsec_"))
        self.backoff = backoff or exponential(base=1.0, factor=2.0, maximum=60.0)
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

    def post(self, message_id, body):
        """POST once; a Deferred of the answer's status."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(time())),
        }
        if self.key:
            headers["webhook-signature"] = self.sign(headers, body)
        answered = treq.post(
            self.url, data=body, headers=headers, timeout=10, allow_redirects=False
        )
        # Read to its end, for the connection is used again.
        return answered.addCallback(
            lambda answer: answer.content().addCallback(lambda _: answer.code)
        )

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


async def main(reactor, url, topic, hook):
    """Forward a topic's events until there is a SIGTERM or Ctrl-C."""
    webhook = Webhook(reactor, hook, os.environ.get("WEBHOOK_SECRET", ""))
    client = SocketClient(url, params={"user_id": "webhooks"})
    client.startService()
    _, channel = await client.join(topic)
    print(f"forwarding {topic} to {urlsplit(hook).netloc}")

    def stop():
        left = client.buffers().unread.size + webhook.is_delivering
        print(
            f"delivered {webhook.delivered}, refused {webhook.refused}, left {left},"
            f" dropped {channel.dropped_messages}"
        )
        # What is left ends the loop below; what is stopped would fail it.
        return channel.leave().addCallback(lambda _: client.stopService())

    reactor.addSystemEventTrigger("before", "shutdown", stop)
    await forward(channel, webhook)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    # Who follows it through a pipe, as a service manager does, sees each line at once.
    sys.stdout.reconfigure(line_buffering=True)
    react(main, sys.argv[1:])
