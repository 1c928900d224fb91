"""What the page about Supabase shows works as it is printed; so does its example."""

from __future__ import annotations

import os
import sys
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from txphoenix.errors import ConfigurationError
from txphoenix.supabase import RealtimeClient, SendError, SendTimeout
from txphoenix.supabase.testing import SupabaseServer
from txphoenix.supabase.testing.broadcast_api import BroadcastAPI

from .test_howtos import NOT_THERE, ROOT, blocks, program

PAGE = "howto-supabase"


class PageTests(TestCase):
    """The programs of the page."""

    skip = NOT_THERE
    timeout = 120

    async def test_program(self) -> None:
        """The page's program prints what the page says."""
        names: dict[str, Any] = {}
        exec(compile(program(PAGE), PAGE, "exec"), names)
        printed: list[str] = []
        await names["program"](lambda *args: printed.append(" ".join(map(str, args))))
        (said,) = blocks(PAGE, "text")
        self.assertEqual(printed, said.text.strip().split("\n"))

    async def test_example(self) -> None:
        """The example shows all there is, and ends."""
        env = {key: os.environ[key] for key in os.environ if "SUPABASE" not in key}
        path = str(ROOT / "examples" / "supabase_changes.py")
        env["PYTHONPATH"] = str(ROOT)
        out, err, code = await getProcessOutputAndValue(sys.executable, [path], env)
        self.assertEqual((code, err), (0, b""))
        text = out.decode()
        for line in (
            "server: Subscribed to PostgreSQL",
            "INSERT  {'id': 1, 'title': 'write', 'done': False}",
            "UPDATE {'id': 1} {'id': 1, 'title': 'write', 'done': True}",
            "heard: shout {'body': 'hello'}",
            "heard: bytes b'\\x00\\x01'",
            "present: 1",
            "error: realtime:todos-followers: system: Token has expired 0 seconds ago",
            "joined again, with a fresh token",
        ):
            self.assertIn(line, text)


class SendTests(TestCase):
    """Broadcasts by HTTP, over TCP."""

    timeout = 120

    async def start(self, **options: Any) -> None:
        """A project, a channel that is joined, and one that is not."""
        self.server = await SupabaseServer().start()
        self.addCleanup(self.server.stop)
        self.client = RealtimeClient(
            self.server.project_url,
            self.server.publishable_key,
            self.server.token,
            **options,
        )
        self.client.startService()
        self.addCleanup(self.client.stopService)
        self.hearing = self.client.channel("a room/ü")
        await self.hearing.subscribe()
        other = RealtimeClient(self.server.project_url, self.server.publishable_key)
        self.sending = other.channel("a room/ü")

    async def test_send(self) -> None:
        """JSON and bytes arrive, whether or not anything is joined."""
        await self.start()
        payloads: list[Any] = [{"a": 1}, b"\x00\xff", [1, "é"]]
        for send in (self.sending.send_http, self.sending.send_broadcast):
            for payload in payloads:
                await send("shout it", payload)
                got = (await self.hearing.receive()).payload
                self.assertEqual((got.event, got.payload), ("shout it", payload))

    async def test_stored(self) -> None:
        """A broadcast that is to be stored goes one way alone, and its URL says so."""
        server = await SupabaseServer().start()
        self.addCleanup(server.stop)
        urls: list[bytes] = []

        def note(_: Any, request: Any) -> bytes:
            urls.append(request.uri)
            request.setResponseCode(202)
            return b""

        self.patch(BroadcastAPI, "render", note)
        client = RealtimeClient(server.project_url, server.publishable_key)
        channel = client.channel("room", private=True)
        await channel.send_http("shout", {}, persist=True)
        await channel.send_broadcast("shout", {}, persist=60)
        path = b"/realtime/v1/api/broadcast/room/events/shout?private=true"
        self.assertEqual(
            urls, [path + b"&persist=true", path + b"&persist%5Bttl%5D=60"]
        )

    async def test_refused(self) -> None:
        """A refusal is an error with its status, without the key."""
        await self.start()
        for status in (401, 429, 500):
            self.server.refuse_sends(status)
            for send in (self.sending.send_http, self.sending.send_broadcast):
                error: Any = await self.assertFailure(send("shout", {}), SendError)
                self.assertEqual(error.status, status)
                self.assertNotIn(self.server.publishable_key, str(error))

    async def test_credentials(self) -> None:
        """A callable that raises, or has no key, is an error without what it says."""

        def failing() -> str:
            raise ValueError("s3cret")

        url = "http://127.0.0.1:9"
        wanted = (
            (RealtimeClient(url, failing), SendError),
            (RealtimeClient(url, "key", failing), SendError),
            (RealtimeClient(url, lambda: cast(Any, None)), ConfigurationError),
            (RealtimeClient(url, "key", lambda: cast(Any, 5)), ConfigurationError),
        )
        for client, kind in wanted:
            sending = client.channel("room").send_http("shout")
            error: Any = await self.assertFailure(sending, kind)
            self.assertNotIn("s3cret", str(error))

    async def test_no_answer(self) -> None:
        """A server that does not answer in time is a SendTimeout."""
        await self.start()
        self.server.pause()
        error: Any = await self.assertFailure(
            self.sending.send_http("shout", {}, timeout=0.05), SendTimeout
        )
        self.assertIsInstance(error, TimeoutError)
        self.server.resume()

    async def test_stop(self) -> None:
        """What is under way at the stop fails, and leaves nothing behind."""
        await self.start()
        self.server.pause()
        sending = self.hearing.send_http("shout", {})
        stopping = self.client.stopService()
        await self.assertFailure(sending, CancelledError)
        self.server.resume()
        await stopping

    async def test_nobody(self) -> None:
        """Nobody at the port is a SendError without a status."""
        server = await SupabaseServer().start()
        client = RealtimeClient(server.project_url, server.publishable_key)
        await server.stop()
        sending: Deferred[Any] = client.channel("room").send_http("shout", {})
        sending.addCallback(lambda _: self.fail("it was sent"))
        error: Any = await self.assertFailure(sending, SendError)
        self.assertIsNone(error.status)
