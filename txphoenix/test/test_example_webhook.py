"""``examples/webhook_bridge.py`` delivers each event, in order, whatever happens.

The example is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode, b64encode
from functools import partial
from typing import Any

import treq
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.client import HTTPConnectionPool
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from txphoenix import Channel, Message, SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.testing import ChatRoom, FaultProxy, PhoenixServer

from .cli_program import ROOT, Program, start_program
from .network import TOPIC, NetworkTestCase, reactor

EXAMPLE = ROOT / "examples" / "webhook_bridge.py"
SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"


class Receiver(Resource):
    """Takes webhooks.

    :ivar taken: the numbers of the events, as they came; each counts once, by its id.
    :ivar heads: the headers of each POST, their names in lower case.
    :ivar answers: the next statuses; 200 where there is none.
    :ivar held: the requests that wait, where it is to answer none.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Any] = []
        self.ids: set[str] = set()
        self.bodies: list[bytes] = []
        self.heads: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.held: list[Any] | None = None

    def render_POST(self, request: Any) -> Any:
        """Take an event."""
        body = request.content.read()
        raw = request.requestHeaders.getAllRawHeaders()
        self.bodies.append(body)
        self.heads.append(
            {name.decode().lower(): values[0].decode() for name, values in raw}
        )
        if self.held is not None:
            self.held.append(request)
            return NOT_DONE_YET
        status = self.answers.pop(0) if self.answers else 200
        request.setResponseCode(status)
        is_new = self.heads[-1]["webhook-id"] not in self.ids
        if status == 200 and is_new:
            self.ids.add(self.heads[-1]["webhook-id"])
            self.taken.append(json.loads(body)["payload"]["body"])
        return b""


class WebhookCase(NetworkTestCase):
    """The example, a Phoenix server and a receiver."""

    timeout = 120
    skip = None if EXAMPLE.exists() else "installed without its examples"

    async def start(self) -> PhoenixServer:
        """Start both."""
        self.receiver = Receiver()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listening = await endpoint.listen(Site(self.receiver))
        self.addCleanup(listening.stopListening)
        # Its connections end with those of the proxy.
        self.proxy = FaultProxy(listening.getHost().port)
        self.addCleanup(self.proxy.stop)
        await self.proxy.start()
        self.hook = f"http://127.0.0.1:{self.proxy.port}/hook"
        self.server = await self.serve(channels={"rooms:*": ChatRoom})
        return self.server

    async def kill(self) -> None:
        """Have the receiver gone, with all of its connections."""
        await self.proxy.refuse()
        self.proxy.cut(reset=True)

    def tell(self, *numbers: int, size: int = 0) -> None:
        """Have the server tell of events."""
        for number in numbers:
            payload = {"body": number, "fill": "x" * size}
            self.server.broadcast(TOPIC, "new_msg", payload)


class ProgramTests(WebhookCase):
    """The program."""

    async def program(self, **env: str) -> Program:
        """Start all, and wait until the program forwards."""
        await self.start()
        arguments = (str(EXAMPLE), self.server.url, TOPIC, self.hook)
        program = start_program(self, *arguments, env=env)
        await program.out.wait_for(f"forwarding {TOPIC} to 127.0.0.1")
        return program

    async def end(
        self, program: Program, delivered: int, refused: int = 0, left: int = 0
    ) -> None:
        """End it by a SIGTERM; its last line says how many events there were.

        The answer to the last one may not have come yet.
        """
        program.interrupt("TERM")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        last = program.out.text.splitlines()[-1]
        self.assertRegex(last, r"^delivered \d+, refused \d+, left \d+, dropped 0$")
        counts = [int(number) for number in re.findall(r"\d+", last)]
        self.assertEqual(
            (counts[0] + counts[2], counts[1]), (delivered + left, refused)
        )
        self.assertLessEqual(counts[0], delivered)

    async def test_delivers(self) -> None:
        """Events come in order, each with an id, and signed."""
        program = await self.program(WEBHOOK_SECRET=SECRET)
        self.tell(*range(5))
        receiver = self.receiver
        await self.until(lambda: len(receiver.taken) == 5)
        self.assertEqual(receiver.taken, [0, 1, 2, 3, 4])
        self.assertEqual(len({head["webhook-id"] for head in receiver.heads}), 5)
        for head, body in zip(receiver.heads, receiver.bodies, strict=True):
            event = json.loads(body)
            self.assertEqual((event["topic"], event["event"]), (TOPIC, "new_msg"))
            self.assertEqual(head["content-type"], "application/json")
            begin = f"{head['webhook-id']}.{head['webhook-timestamp']}."
            key = b64decode(SECRET.removeprefix("whsec_"))
            made = hmac.new(key, begin.encode() + body, "sha256").digest()
            self.assertEqual(
                head["webhook-signature"], f"v1,{b64encode(made).decode()}"
            )
        await self.end(program, 5)

    async def test_killed_receiver(self) -> None:
        """A receiver that is killed has what it missed once it is back, in order."""
        program = await self.program()
        self.tell(0)
        # Whether the program has the answer is not known: it may ask again.
        await self.until(lambda: self.receiver.taken)
        self.assertNotIn("webhook-signature", self.receiver.heads[0])
        await self.kill()
        self.tell(1, 2, 3)
        await program.out.wait_for("new_msg not taken: ")
        await self.proxy.start()
        await self.until(lambda: len(self.receiver.taken) == 4)
        self.assertEqual(self.receiver.taken, [0, 1, 2, 3])
        await self.end(program, 4)

    async def test_stopped_meanwhile(self) -> None:
        """A SIGTERM ends it while a receiver is away, and says what is left."""
        program = await self.program()
        await self.kill()
        self.tell(0, 1, 2)
        await program.out.wait_for("not taken")
        await self.end(program, 0, left=3)

    async def test_closed(self) -> None:
        """A topic that the server closes ends it, as a fault that is told."""
        program = await self.program()
        (room,) = self.server.channels(TOPIC)
        room.stop()
        self.assertEqual(await program.ended, 1)
        self.assertEqual(program.err.text, f"the server has closed {TOPIC}\n")
        self.assertIn("left 0, dropped 0\n", program.out.text)

    async def test_answers(self) -> None:
        """After a 5xx or a 429 the same comes again; a 4xx is the last word."""
        program = await self.program()
        self.receiver.answers = [503, 429, 200, 422, 302]
        self.tell(0, 1, 2, 3)
        await self.until(lambda: self.receiver.taken == [0, 3])
        first, second, third, *others = [
            head["webhook-id"] for head in self.receiver.heads
        ]
        self.assertEqual((first, second), (second, third))
        self.assertEqual(len({first, *others}), 4)
        for line in ("not taken: 503", "refused: 422", "refused: 302"):
            self.assertIn(f"new_msg {line}", program.out.text)
        await self.end(program, 2, refused=2)


class WrongTests(WebhookCase):
    """What is wrong at the start is a line, and not an event's fault."""

    async def said(self, *arguments: str, **env: str) -> str:
        """The last line of a program that does not start."""
        program = start_program(self, str(EXAMPLE), *arguments, env=env)
        self.assertNotEqual(await program.ended, 0)
        self.assertNotIn("Traceback", program.err.text)
        return program.err.text.splitlines()[-1]

    async def test_wrong(self) -> None:
        """So it is with a URL that no POST could go to, a secret and a server."""
        url = "ws://127.0.0.1:1/socket"
        self.assertIn("arguments are required", await self.said(url, TOPIC))
        for hook in (
            "localhost:8000/hook",
            "http:///",
            "http://me:s3cret@localhost/",
            "http://:s3cret@localhost/",
            "http://me:[s3cret@localhost/",
        ):
            line = await self.said(url, TOPIC, hook)
            self.assertIn("not a URL such as https://", line)
            self.assertNotIn("s3cret", line)
        hook = "http://127.0.0.1:1/"
        line = await self.said(url, TOPIC, hook, WEBHOOK_SECRET="whsec_a-b_")
        self.assertIn("WEBHOOK_SECRET: ", line)
        line = await self.said(url, TOPIC, hook)
        self.assertRegex(line, "^not forwarding: .*refused")


class PartTests(WebhookCase):
    """The example's parts, in this process."""

    def setUp(self) -> None:
        """Load them."""
        super().setUp()
        self.example: dict[str, Any] = {"__name__": "example"}
        exec(compile(EXAMPLE.read_text("utf-8"), str(EXAMPLE), "exec"), self.example)
        self.example["print"] = lambda *_: None
        # What a connection is kept for would outlive the test.
        pool = HTTPConnectionPool(reactor, persistent=False)
        self.patch(treq, "post", partial(treq.post, pool=pool))

    async def forward(self, **options: Any) -> tuple[SocketClient, Channel]:
        """Start all, and forward until the test is over."""
        await self.start()
        client = self.client(self.server.url, **options)
        _, channel = await client.join(TOPIC)
        backoff = steps([0.02])
        webhook = self.example["Webhook"](reactor, self.hook, backoff=backoff)
        forwarding = Deferred.fromCoroutine(self.example["forward"](channel, webhook))
        forwarding.addErrback(lambda failure: None)

        self.addCleanup(self.until, lambda: not webhook.is_delivering)
        return client, channel

    def test_signature(self) -> None:
        """A signature is that of the example of Standard Webhooks' own."""
        webhook = self.example["Webhook"](reactor, "http://127.0.0.1/", SECRET)
        headers = {
            "webhook-id": "msg_loFOjxBNrRLzqYUf",
            "webhook-timestamp": "1731705121",
        }
        body = b'{"event_type":"ping","data":{"success":true}}'
        self.assertEqual(
            webhook.sign(headers, body),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        )

    async def test_bytes(self) -> None:
        """A binary payload is delivered in base64."""
        await self.start()
        webhook = self.example["Webhook"](reactor, self.hook)
        self.receiver.answers = [204]
        await webhook.deliver(Message(None, None, TOPIC, "raw", b"\x00\xff"))
        self.assertEqual(json.loads(self.receiver.bodies[0])["payload"], "AP8=")

    async def test_bodies(self) -> None:
        """What is behind a status does not matter: it may break off, or not end."""
        await self.start()
        webhook = self.example["Webhook"](reactor, self.hook)
        made = webhook.rest
        for body, patience in ((b"x", 60), (b"x" * 200, 60), (b"", 0.1)):
            webhook.rest = partial(made, limit=100, patience=patience)
            self.receiver.held = []
            delivering = Deferred.fromCoroutine(
                webhook.deliver(Message(None, None, TOPIC, "new_msg", {}))
            )
            await self.until(lambda: self.receiver.held)
            (request,) = self.receiver.held
            gone: Deferred[Any] = request.notifyFinish()
            gone.addErrback(lambda failure: None)
            request.setHeader("content-length", "1000")
            request.write(body)
            if body == b"x":
                request.loseConnection()
            await delivering
            # It has closed the connection, or knows that it is closed.
            await gone
        self.assertEqual((webhook.delivered, len(self.receiver.heads)), (3, 3))

    async def test_slow_receiver(self) -> None:
        """Behind a receiver that hangs the server waits, and nothing is lost."""
        client, channel = await self.forward(receive_buffer=10)
        came: list[Any] = []
        client.on_message(came.append)
        self.receiver.held = []
        numbers = range(2000)
        self.tell(*numbers, size=10_000)
        await self.until(lambda: self.receiver.held and client.buffers().unread.size)
        # Some turns of the reactor later it is no more.
        for _ in range(200):
            await self.sleep(0)
        self.assertLess(len(came), 200)
        self.assertLess(client.buffers().unread.size, 200)
        (waiting,), self.receiver.held = self.receiver.held, None
        self.receiver.taken.append(0)
        waiting.finish()
        await self.until(lambda: len(self.receiver.taken) == len(numbers))
        self.assertEqual(self.receiver.taken, [*numbers])
        self.assertEqual(channel.dropped_messages, 0)

    async def test_long_away(self) -> None:
        """One that is away for too long misses the oldest, which are counted."""
        patience = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}
        _, channel = await self.forward(receive_buffer=5, **patience)
        await self.kill()
        self.tell(*range(20))
        await self.until(lambda: channel.dropped_messages)
        await self.proxy.start()
        await self.until(lambda: 19 in self.receiver.taken)
        taken = self.receiver.taken
        self.assertEqual(taken, sorted(taken))
        self.assertEqual(len(taken) + channel.dropped_messages, 20)
