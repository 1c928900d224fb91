"""What the page about Absinthe shows works as it is printed, and so does its example.

The documents and the examples are in a clone and in a source distribution, not in a
wheel; the programs talk over TCP to a server in this process.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any
from unittest import TestResult

from twisted.trial.unittest import TestCase

from txphoenix import SocketClient
from txphoenix.absinthe import AbsintheClient
from txphoenix.absinthe.testing import AbsintheServer, Schema, ServerSubscription
from txphoenix.backoff import steps

from .cli_program import start_program
from .test_howtos import NOT_THERE, ROOT, URL, captioned, printed_by, program

PAGE = "howto-absinthe"
ITERATING = """
import asyncio
from twisted.internet.defer import Deferred
from txphoenix import SocketClient
from txphoenix.absinthe import AbsintheClient
from txphoenix.aio import running_reactor

async def main():
    async with running_reactor() as reactor:
        loop = asyncio.get_running_loop()
        client = SocketClient("{url}", reactor=reactor)
        client.startService()
        absinthe = AbsintheClient(client)
        subscription = absinthe.subscribe("subscription {{ ticked }}")
        try:
            async for data in absinthe.subscribe("subscription {{ ticked }}"):
                pass
        except RuntimeError as error:
            print(str(error).partition(":")[0])
        ticked = asyncio.Event()

        async def listen():
            async with subscription:
                async for data in subscription:
                    print("tick:", data["ticked"])
                    ticked.set()

        running = asyncio.ensure_future(wait(listen(), loop))
        await ticked.wait()
        running.cancel()
        await asyncio.wait([running])
        print("ended" if subscription.is_ended else "not ended")
        await client.stopService().asFuture(loop)

async def wait(coroutine, loop):
    await Deferred.fromCoroutine(coroutine).asFuture(loop)

asyncio.run(main())
"""


class AbsintheNetworkCase(TestCase):
    """A test with a server on a port."""

    skip = NOT_THERE
    timeout = 120

    async def absinthe_server(self) -> AbsintheServer:
        """A server with the fields of the page."""
        schema = Schema()
        numbers = count(1)
        schema.query("me", lambda variables: {"name": "Ann"})
        schema.query("tick", lambda variables: schema.publish("ticked", next(numbers)))
        schema.mutation("say", lambda variables: {"id": variables["text"].upper()})
        schema.subscription("messageAdded")
        schema.subscription("ticked")
        server = AbsintheServer(schema)
        await server.start()
        self.addCleanup(server.stop)
        return server


class PageTests(AbsintheNetworkCase):
    """The programs of the page."""

    async def test_program(self) -> None:
        """The pieces are one program, which does what the page says."""
        server = await self.absinthe_server()

        def talk(subscription: ServerSubscription) -> None:
            room = subscription.document.variables.get("room")
            for body in ("hello", "bye") if room == "7" else ():
                server.schema.publish("messageAdded", {"body": body})

        server.schema.after_reply = talk
        source = program(PAGE).replace(URL, server.url)
        source += "    await client.stopService()\n"
        printed = await printed_by(source, PAGE)
        self.assertEqual(
            printed,
            [
                "me: Ann",
                "said: HELLO",
                "message: hello",
                "message: bye",
                "tick: 1",
                "ended: unsubscribed",
                'errors: Cannot query field "nothing" on type "RootQueryType".',
                "partial data: None",
            ],
        )
        self.assertEqual(server.schema.subscriptions, {})

    async def test_asyncio(self) -> None:
        """The program for asyncio gets what is published, and ends."""
        server = await self.absinthe_server()

        def tick(subscription: ServerSubscription) -> None:
            for number in (1, 2, 3):
                server.schema.publish("ticked", number)

        server.schema.after_reply = tick
        path = Path(self.mktemp())
        path.write_text(captioned(PAGE, "ticks.py").replace(URL, server.url), "utf-8")
        running = start_program(self, str(path))
        self.assertEqual((await running.ended, running.err.text), (0, ""))
        self.assertEqual(running.out.text, "tick: 1\ntick: 2\ntick: 3\n")

    def test_test(self) -> None:
        """The tests that are shown pass."""
        names: dict[str, Any] = {"__name__": "test_messages"}
        exec(compile(captioned(PAGE, "test_messages.py"), PAGE, "exec"), names)
        result = TestResult()
        for name in ("test_message", "test_query"):
            names["MessageTests"](name).run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (2, [], []))

    async def test_frame(self) -> None:
        """What runs the pieces runs."""
        path = Path(self.mktemp())
        path.write_text(captioned(PAGE, "program.py"), "utf-8")
        running = start_program(self, str(path))
        self.assertEqual((await running.ended, running.err.text), (0, ""))

    async def test_iterate_in_task(self) -> None:
        """A task of asyncio's runs a coroutine of Twisted's that iterates, as is said.

        Cancelled, it ends the subscription.
        """
        server = await self.absinthe_server()
        path = Path(self.mktemp())
        path.write_text(ITERATING.format(url=server.url), "utf-8")
        running = start_program(self, str(path))
        await server.schema.when_subscribed(2)
        server.schema.publish("ticked", 1)
        self.assertEqual((await running.ended, running.err.text), (0, ""))
        self.assertEqual(running.out.text, "Task got bad yield\ntick: 1\nended\n")


class ExampleTests(AbsintheNetworkCase):
    """``examples/absinthe_comments.py``."""

    PATH = str(ROOT / "examples" / "absinthe_comments.py")

    async def test_alone(self) -> None:
        """It brings a server, whose lost connection costs it nothing."""
        running = start_program(self, self.PATH)
        self.assertEqual((await running.ended, running.err.text), (0, ""))
        self.assertEqual(
            running.out.text,
            "subscribed\ncomment: first\ncomment: second\nsubscribed\ncomment: third\n",
        )

    async def test_with_server(self) -> None:
        """It goes to the server that it is told, with its variables."""
        server = await self.absinthe_server()
        server.schema.subscription("commentAdded")
        running = start_program(self, self.PATH, server.url, "elixir", "1")
        await server.schema.when_subscribed()
        sent = server.schema.publish(
            "commentAdded", {"content": "hi"}, lambda given: given["repo"] == "elixir"
        )
        self.assertEqual(sent, 1)
        self.assertEqual((await running.ended, running.err.text), (0, ""))
        self.assertEqual(running.out.text, "subscribed\ncomment: hi\n")

    async def test_refused(self) -> None:
        """It says what the server has refused."""
        server = await self.absinthe_server()
        running = start_program(self, self.PATH, server.url)
        self.assertEqual((await running.ended, running.out.text), (1, ""))
        self.assertRegex(running.err.text, r"^refused: .*Cannot query field.*\n$")


class ManyTests(AbsintheNetworkCase):
    """Over TCP, through losses of the connection."""

    skip = None

    async def test_losses(self) -> None:
        """Each of many subscriptions gets each publication once, before and after."""
        server = await self.absinthe_server()
        client = SocketClient(
            server.url, backoff=steps([0.01]), rejoin_backoff=steps([0.01])
        )
        self.addCleanup(client.stopService)
        client.startService()
        absinthe = AbsintheClient(client)
        subscriptions = [
            absinthe.subscribe("subscription { ticked }") for _ in range(50)
        ]
        for number in range(3):
            await server.schema.when_subscribed(50)
            self.assertEqual(server.schema.publish("ticked", number), 50)
            for subscription in subscriptions:
                self.assertEqual(await subscription.receive(), {"ticked": number})
            server.drop()
