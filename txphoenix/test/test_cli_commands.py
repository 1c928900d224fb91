"""The commands ``serve``, ``listen`` and ``push``: :mod:`txphoenix.cli.commands`."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import telemetry
from txphoenix.cli.output import BROKEN_PIPE, FAILED, OK, USAGE
from txphoenix.test.cli_program import CommandTestCase, Room
from txphoenix.test.test_hostile_words import DeepJSON
from txphoenix.testing import PhoenixServer, Refused

BROKEN = BrokenPipeError(32, "Broken pipe")
FULL = OSError(28, "No space left on device")


class ClosedRoom(Room):
    """A room that nobody may join."""

    def join(self, params: Any) -> Any:
        """Refuse."""
        raise Refused({"reason": "unauthorized"})


class SilentRoom(Room):
    """A room that never answers a join."""

    def join(self, params: Any) -> Any:
        """Think about it."""
        return Deferred()


ROOMS = {"rooms:*": Room, "closed:*": ClosedRoom, "silent:*": SilentRoom}


class TopicTests(CommandTestCase):
    """Topics that can never be joined."""

    async def test_phoenix(self) -> None:
        """Phoenix's own is refused as a wrong command line, and nothing is dialled."""
        server = await self.phoenix_server(ROOMS)
        for command in (
            ["push", server.url, "phoenix", "echo", "1"],
            ["listen", server.url, "rooms:a", "phoenix"],
        ):
            self.assertEqual(await self.command(*command), USAGE)
            self.assertIn("must not be 'phoenix'", self.err.output.text)
            self.assertEqual(server.connections, [])


class PushTests(CommandTestCase):
    """``push``."""

    async def push(self, *arguments: str, **options: Any) -> tuple[int, PhoenixServer]:
        """Push to a server; the exit code, and the server."""
        server = await self.phoenix_server(ROOMS, **options)
        code = await self.command("push", server.url, *arguments)
        self.assertEqual(server.connections, [])
        return code, server

    async def test_reply(self) -> None:
        """The reply is printed as JSON, and nothing else."""
        code, _ = await self.push("rooms:a", "echo", '{"body": ["é", null, 1.5]}')
        self.assertEqual(code, OK)
        self.assertEqual(self.out.output.text, '{"body": ["é", null, 1.5]}\n')
        self.assertEqual(self.err.output.text, "")

    async def test_long_integer(self) -> None:
        """An integer of more than 64 bits is sent and printed as it is."""
        code, _ = await self.push("rooms:a", "echo", f'{{"wei": [{2**256 - 1}]}}')
        self.assertEqual(code, OK)
        self.assertEqual(self.out.output.text, f'{{"wei": [{2**256 - 1}]}}\n')

    async def test_leaves(self) -> None:
        """The channel is left, and not just lost with the connection."""
        server = await self.phoenix_server(ROOMS)
        left = server.when_left("rooms:a")
        await self.command("push", server.url, "rooms:a", "echo", "1")
        self.assertEqual(getattr(await left, "reason", None), "left")

    async def test_binary_reply(self) -> None:
        """A binary reply is in base64, and says so."""

        class Bytes(Room):
            def handle_in(self, event: str, payload: Any) -> Any:
                return super().handle_in(event, b"\x00\xff")

        server = await self.phoenix_server({"rooms:*": Bytes})
        code = await self.command("push", server.url, "rooms:a", "get", "{}")
        self.assertEqual(code, OK)
        self.assertEqual(self.out.output.text, '{"response_base64": "AP8="}\n')

    async def test_standard_input(self) -> None:
        """The payload ``-`` is that of standard input."""
        self.stdin = '{"from": "stdin"}\n'
        code, _ = await self.push("rooms:a", "echo", "-")
        self.assertEqual((code, self.out.output.text), (OK, '{"from": "stdin"}\n'))

    async def test_join_params(self) -> None:
        """The join sends what ``--join-params`` says, by default an empty object."""
        server = await self.phoenix_server(ROOMS)
        for arguments, params in (((), {}), (("--join-params", "[1]"), [1])):
            joined = server.when_joined("rooms:a")
            await self.command("push", *arguments, server.url, "rooms:a", "e", "1")
            self.assertEqual((await joined).params, params)

    async def test_error_reply(self) -> None:
        """A reply of another status than ok is an error that says why."""
        code, _ = await self.push("rooms:a", "refuse", "{}")
        self.assertEqual((code, self.out.output.text), (FAILED, ""))
        self.assert_error("'not today'")

    async def test_timeout(self) -> None:
        """No reply in time is an error."""
        code, _ = await self.push("rooms:a", "silence", "{}", "--timeout", "0.1")
        self.assertEqual(code, FAILED)
        self.assert_error("not answered within 0.1 s")

    async def test_no_reply(self) -> None:
        """With ``--no-reply`` none is waited for, and the push reaches the server."""
        server = await self.phoenix_server(ROOMS)
        received = server.when_received("silence")
        code = await self.command(
            "push", "--no-reply", server.url, "rooms:a", "silence", '{"a": 1}'
        )
        self.assertEqual((code, self.out.output.text), (OK, ""))
        self.assertEqual((await received).payload, {"a": 1})

    async def test_refused_join(self) -> None:
        """A refused join is an error that says why."""
        code, _ = await self.push("closed:a", "e", "{}")
        self.assertEqual(code, FAILED)
        self.assert_error("join of 'closed:a' refused: 'unauthorized'")

    async def test_refused_handshake(self) -> None:
        """A refused connection is an error with the HTTP status."""

        def connect(params: Any, socket: Any) -> None:
            raise Refused

        code, _ = await self.push("rooms:a", "e", "{}", connect=connect)
        self.assertEqual(code, FAILED)
        self.assert_error("HTTP 403")

    async def test_no_server(self) -> None:
        """One failed attempt is enough, and no secret is in what is said about it."""
        server = await self.phoenix_server(ROOMS)
        await server.stop()
        url = f"{server.url}?token=sesame"
        code = await self.command("push", url, "rooms:a", "e", "{}")
        self.assertEqual(code, FAILED)
        self.assert_error(f"cannot connect to {server.url}?token=[redacted]: ")
        self.assertIn("refused", self.err.output.text)
        self.assertNotIn("sesame", self.err.output.text)

    async def test_lost_connection(self) -> None:
        """A connection lost before the reply is an error: it may have been acted on."""
        server = await self.phoenix_server(ROOMS)
        received = server.when_received("silence")
        code = self.command("push", server.url, "rooms:a", "silence", "{}")
        await received
        server.drop()
        self.assertEqual(await code, FAILED)
        self.assert_error("sent but not answered")

    async def test_wrong_topic(self) -> None:
        """What the client refuses is a wrong command line."""
        code, _ = await self.push("", "e", "{}")
        self.assertEqual(code, USAGE)
        self.assert_error("topic")

    async def test_interrupted(self) -> None:
        """Interrupted before the reply, it leaves in good order and has failed."""
        server = await self.phoenix_server(ROOMS)
        received = server.when_received("silence")
        running = self.command("push", server.url, "rooms:a", "silence", "{}")
        await received
        gone = server.when_disconnected()
        running.cancel()
        self.assertEqual(await running, FAILED)
        self.assert_error("interrupted")
        await gone

    async def test_full_output(self) -> None:
        """A reply that cannot be printed is an error."""
        self.out.error = FULL
        code, _ = await self.push("rooms:a", "echo", "1")
        self.assertEqual(code, FAILED)
        self.assert_error("No space left on device")

    async def test_closed_output(self) -> None:
        """Whoever has read enough gets no more, and no complaint."""
        self.out.error = BROKEN
        code, _ = await self.push("rooms:a", "echo", "1")
        self.assertEqual((code, self.err.output.text), (BROKEN_PIPE, ""))


class ListenTests(CommandTestCase):
    """``listen``."""

    async def listen(
        self, *arguments: str, **options: Any
    ) -> tuple[Deferred[int], PhoenixServer]:
        """Listen at a server, until all topics are joined: these begin with rooms."""
        server = await self.phoenix_server(ROOMS, **options)
        running = self.command("listen", server.url, *arguments)
        for topic in arguments:
            if topic.startswith("rooms:"):
                await self.err.output.wait_for(f"joined {topic}\n")
        return running, server

    async def test_nested_payload(self) -> None:
        """A message as deep as messages come is printed like any other."""
        deep: Any = 1
        for _ in range(900):
            deep = [deep]
        options = {"json": DeepJSON()}
        running, server = await self.listen("rooms:a", "--count", "2", **options)
        server.broadcast("rooms:a", "deep", deep)
        server.broadcast("rooms:a", "flat", 2)
        self.assertEqual(await running, OK)
        first, second = self.out.output.text.splitlines()
        self.assertIn("[" * 900 + "1" + "]" * 900, first)
        self.assertIn('"payload": 2', second)

    async def interrupt(self, running: Deferred[int]) -> None:
        """End it as Ctrl-C does: in good order."""
        running.cancel()
        self.assertEqual(await running, OK)

    async def test_messages(self) -> None:
        """Each message is a line of JSON at once, and a binary one is in base64."""
        running, server = await self.listen("rooms:a", "rooms:b", "rooms:a")
        (channel,) = server.channels("rooms:b")
        server.broadcast("rooms:a", "new_msg", {"body": "hé"})
        channel.push("data", b"\x00\xff")
        await self.out.output.wait_for("\n", 2)
        await self.interrupt(running)
        first, second = map(json.loads, self.out.output.text.splitlines())
        self.assertEqual(
            first,
            {
                "topic": "rooms:a",
                "event": "new_msg",
                "payload": {"body": "hé"},
                "ref": None,
                "join_ref": None,
            },
        )
        self.assertEqual(
            second,
            {
                "topic": "rooms:b",
                "event": "data",
                "payload_base64": "AP8=",
                "ref": None,
                "join_ref": channel.join_ref,
            },
        )

    async def test_interrupted(self) -> None:
        """Interrupted, it leaves its topics before it closes."""
        running, server = await self.listen("rooms:a", "rooms:b")
        left = [server.when_left(topic) for topic in ("rooms:a", "rooms:b")]
        await self.interrupt(running)
        for channel in left:
            self.assertEqual(getattr(await channel, "reason", None), "left")
        self.assertEqual(server.connections, [])
        self.assertEqual(telemetry.list_handlers(), [])

    async def test_interrupted_while_joining(self) -> None:
        """It can be interrupted at any time, so before it has joined."""
        server = await self.phoenix_server(ROOMS)
        received = server.when_received("phx_join")
        running = self.command("listen", "--timeout", "0.1", server.url, "silent:a")
        await received
        await self.interrupt(running)

    async def test_count(self) -> None:
        """With ``--count`` it ends after so many messages, and prints no more."""
        running, server = await self.listen("rooms:a", "--count", "2")
        for number in range(5):
            server.broadcast("rooms:a", "n", number)
        self.assertEqual(await running, OK)
        lines = self.out.output.text.splitlines()
        self.assertEqual([json.loads(line)["payload"] for line in lines], [0, 1])

    async def test_comes_back(self) -> None:
        """It connects and joins again by itself, and says so on standard error."""
        running, server = await self.listen("rooms:a")
        server.drop()
        await self.err.output.wait_for("joined rooms:a\n", 2)
        self.assertIn("connection lost: ", self.err.output.text)
        self.assertIn("trying again in ", self.err.output.text)
        server.broadcast("rooms:a", "after", {})
        await self.out.output.wait_for('"after"')
        await self.interrupt(running)

    async def test_crash(self) -> None:
        """A channel that crashes on the server is joined again."""
        running, server = await self.listen("rooms:a")
        server.kill_channel("rooms:a")
        await self.err.output.wait_for("channel 'rooms:a' closed")
        await self.interrupt(running)

    async def test_no_reconnect(self) -> None:
        """With ``--no-reconnect`` a lost connection is the end."""
        running, server = await self.listen("rooms:a", "--no-reconnect")
        server.drop()
        self.assertEqual(await running, FAILED)
        self.assert_error("code 1006")

    async def test_no_reconnect_at_once(self) -> None:
        """With it, a failed attempt is the end as well."""
        server = await self.phoenix_server(ROOMS)
        await server.stop()
        code = await self.command("listen", "--no-reconnect", server.url, "rooms:a")
        self.assertEqual(code, FAILED)
        self.assert_error("cannot connect to")

    async def test_refused_handshake(self) -> None:
        """A server that says no will not say anything else."""
        server = await self.phoenix_server(ROOMS)
        server.refuse(403)
        code = await self.command("listen", server.url, "rooms:a", "rooms:b")
        self.assertEqual(code, FAILED)
        self.assert_error("HTTP 403")

    async def test_server_in_trouble(self) -> None:
        """A server that is down is asked until it is there."""
        server = await self.phoenix_server(ROOMS)
        server.refuse(503)
        running = self.command("listen", server.url, "rooms:a")
        await self.err.output.wait_for("HTTP 503")
        server.refuse(None)
        await self.err.output.wait_for("joined rooms:a")
        await self.interrupt(running)

    async def test_refused_join(self) -> None:
        """One topic that cannot be joined is the end, and the others are left."""
        server = await self.phoenix_server(ROOMS)
        left = server.when_left("rooms:a")
        code = await self.command("listen", server.url, "rooms:a", "closed:a")
        self.assertEqual(code, FAILED)
        self.assert_error("join of 'closed:a' refused: 'unauthorized'")
        self.assertEqual(getattr(await left, "reason", None), "left")

    async def test_silent_join(self) -> None:
        """A join that a connected server does not answer is an error."""
        server = await self.phoenix_server(ROOMS)
        code = await self.command("listen", "--timeout", "0.1", server.url, "silent:a")
        self.assertEqual(code, FAILED)
        self.assert_error("join of 'silent:a' not answered within 0.1 s")

    async def test_join_outlives_connection(self) -> None:
        """A join that times out without a connection is sent with the next one."""
        server = await self.phoenix_server(ROOMS)
        received = server.when_received("phx_join")
        timed_out: Deferred[None] = Deferred()

        def join_failed(*event: Any) -> None:
            if event[2]["action"] == "join_error":
                timed_out.callback(None)

        telemetry.attach("test", telemetry.CHANNEL, join_failed)
        self.addCleanup(telemetry.detach, "test")
        running = self.command("listen", "--timeout", "0.3", server.url, "silent:a")
        await received
        server.refuse(503)
        server.drop()
        await timed_out
        received = server.when_received("phx_join")
        server.refuse(None)
        await received
        await self.interrupt(running)

    async def test_closed_topics(self) -> None:
        """When the server has closed the last topic, there is nothing left to do."""
        running, server = await self.listen("rooms:a", "rooms:b")
        for topic in ("rooms:a", "rooms:b"):
            self.assertFalse(running.called)
            server.channels(topic)[0].stop()
            await self.err.output.wait_for(f"{topic} was closed by the server")
        self.assertEqual(await running, OK)

    async def test_closed_before_count(self) -> None:
        """If the server closes before the wanted messages came, that is an error."""
        running, server = await self.listen("rooms:a", "--count", "3")
        server.broadcast("rooms:a", "n", 1)
        server.channels("rooms:a")[0].stop()
        self.assertEqual(await running, FAILED)
        self.assert_error("2 of the wanted messages have not come")

    async def test_closed_output(self) -> None:
        """Whoever has read enough gets no more: it leaves, and complains of nothing."""
        running, server = await self.listen("rooms:a")
        left = server.when_left("rooms:a")
        self.out.error = BROKEN
        server.broadcast("rooms:a", "n", 1)
        server.broadcast("rooms:a", "n", 2)
        self.assertEqual(await running, BROKEN_PIPE)
        self.assertNotIn("error", self.err.output.text)
        self.assertEqual(getattr(await left, "reason", None), "left")

    async def test_full_output(self) -> None:
        """Messages that cannot be written are an error."""
        running, server = await self.listen("rooms:a")
        self.out.error = FULL
        server.broadcast("rooms:a", "n", 1)
        self.assertEqual(await running, FAILED)
        self.assert_error("No space left on device")


class ServeTests(CommandTestCase):
    """``serve``."""

    async def test_serve(self) -> None:
        """It prints its URL and how to try it, and serves until interrupted."""
        running = self.command("serve", "--port", "0")
        await self.out.output.wait_for("Ctrl-C stops it.")
        said = self.out.output.text
        self.assertIn("demonstration server", said)
        (url,) = {word for word in said.split() if word.startswith("ws://127.0.0.1:")}
        self.assertIn(f"txphoenix listen {url} rooms:lobby\n", said)
        push = f"""push {url} rooms:lobby new_msg '{{"body": "hi"}}'\n"""
        self.assertIn(push, said)

        for topic, event, payload, reply in (
            ("rooms:lobby", "new_msg", '{"body": "hi"}', "{}\n"),
            ("echo:a", "anything", '{"a": 1}', '{"a": 1}\n'),
        ):
            self.setUp()
            code = await self.command("push", url, topic, event, payload)
            self.assertEqual((code, self.out.output.text), (OK, reply))

        running.cancel()
        self.assertEqual(await running, OK)
        code = await self.command("push", url, "echo:a", "e", "1")
        self.assertEqual(code, FAILED)

    async def test_port_in_use(self) -> None:
        """A port that somebody else has is an error that says what to do."""
        server = await self.phoenix_server(ROOMS)
        code = await self.command("serve", "--port", str(server.port))
        self.assertEqual(code, FAILED)
        self.assert_error(f"cannot listen on 127.0.0.1:{server.port}: Address already")
        self.assertIn("--port 0", self.err.output.text)

    async def test_closed_output(self) -> None:
        """If nobody reads where it is, nobody can use it."""
        self.out.error = BROKEN
        self.assertEqual(await self.command("serve", "--port", "0"), BROKEN_PIPE)

    async def test_reader_has_enough(self) -> None:
        """Who has read its first line, as ``head -1``, may go: it serves on."""
        read = self.out.output.wait_for("\n")
        read.addCallback(lambda _: setattr(self.out, "error", BROKEN))
        running = self.command("serve", "--port", "0")
        await read
        (url,) = {it for it in self.out.output.text.split() if it.startswith("ws://")}
        self.out.error = None
        self.assertEqual(await self.command("push", url, "echo:a", "e", "1"), OK)
        running.cancel()
        self.assertEqual(await running, OK)
