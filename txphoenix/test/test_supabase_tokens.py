"""Tests of the access tokens of :mod:`txphoenix.supabase`, in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import capturedLogs

from txphoenix.errors import ConfigurationError, JoinError, JoinTimeout, NotConnected

from .supabase_client_case import ClientCase


class TokenTests(ClientCase):
    """Tokens: asked for, renewed, told, and never shown."""

    def setUp(self) -> None:
        """A project, and tokens of it."""
        super().setUp()
        self.project()
        self.made: list[str] = []

    def make(self) -> str:
        """A token of an hour."""
        self.made.append(self.memory.token(sub=str(len(self.made))))
        return self.made[-1]

    def pass_time(self, seconds: float) -> None:  # type: ignore[override]
        """Let time pass."""
        for _ in range(int(seconds // 20) + 1):
            self.memory.advance(20)
            self.memory.flush()

    def test_renewed(self) -> None:
        """A token is renewed before it expires, and joined channels are told."""
        client = self.client(self.make)
        channel = client.channel("room")
        self.subscribed(channel)
        self.assertEqual(self.frames("phx_join")[0]["access_token"], self.made[0])
        self.pass_time(3500)
        self.assertEqual(len(self.made), 1)
        self.pass_time(80)
        self.assertEqual(len(self.made), 2)
        self.assertEqual(self.frames("access_token"), [{"access_token": self.made[1]}])
        self.pass_time(7200)
        self.assertTrue(channel.is_joined)
        self.assertEqual(len(self.frames("phx_join")), 1)
        self.assertEqual(self.memory.connections_made, 1)

    def test_ways(self) -> None:
        """A Deferred and a coroutine will do as well."""

        async def coroutine() -> str:
            return self.make()

        for number, source in enumerate((lambda: succeed(self.make()), coroutine)):
            channel = self.client(source).channel("room")
            self.subscribed(channel)
            joined = self.memory.channels("realtime:room")[number]
            self.assertEqual(joined.token, self.made[-1])  # type: ignore[attr-defined]

    def test_renewal_fails(self) -> None:
        """What the callable raises is told, and it is asked again."""
        later = self.memory.token(expires_in=7200)
        answers: list[Any] = [self.memory.token(), RuntimeError("no"), later]

        def source() -> str:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return str(answer)

        client = self.client(source)
        errors: list[BaseException] = []
        client.on_error(errors.append)
        self.subscribed(client.channel("room"))
        with capturedLogs() as events:
            self.pass_time(3590)
        self.assertEqual([str(it) for it in errors], ["no"])
        lines = [
            it["log_format"]
            for it in events
            if it["log_namespace"] == "txphoenix.supabase"
        ]
        self.assertEqual(
            lines, ["{client}: the access token was not renewed: {reason}"]
        )
        self.assertEqual(self.frames("access_token"), [{"access_token": later}])

    def test_expired(self) -> None:
        """A channel that the server closes for its token joins with a fresh one."""
        channel = self.client(self.make).channel("room")
        self.subscribed(channel)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.memory.expire("room")
        self.memory.flush()
        self.assertIn("Token has expired", str(errors[0]))
        self.pass_time(20)
        self.assertTrue(channel.is_joined)
        joins = self.frames("phx_join")
        self.assertEqual([it["access_token"] for it in joins], self.made[:2])
        self.assertEqual(self.memory.connections_made, 1)

    def test_expired_value(self) -> None:
        """With a fixed token the channel joins again once another has been set."""
        client = self.client(self.make())
        channel = client.channel("room")
        self.subscribed(channel)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.memory.expire("room")
        self.pass_time(20)
        self.assertFalse(channel.is_joined)
        self.assertIsInstance(errors[-1], JoinError)
        self.successResultOf(client.set_auth(self.make()))
        self.pass_time(60)
        self.assertTrue(channel.is_joined)
        self.assertEqual(self.memory.connections_made, 1)

    def test_rejoin(self) -> None:
        """After a lost connection the token is asked for anew; others share it."""
        client = self.client(self.make)
        self.subscribed(client.channel("room"))
        before = len(self.made)
        self.memory.drop()
        self.pass_time(20)
        self.assertEqual(len(self.made), before + 1)
        [channel] = self.memory.channels("realtime:room")
        self.assertEqual(channel.token, self.made[-1])  # type: ignore[attr-defined]

    def test_set_auth(self) -> None:
        """A token that is set is pushed to joined channels, and is in later joins."""
        client = self.client(self.make())
        self.subscribed(client.channel("room"))
        token = self.make()
        self.successResultOf(client.set_auth(token))
        self.memory.flush()
        self.assertEqual(self.frames("access_token"), [{"access_token": token}])
        self.successResultOf(client.set_auth(token))
        self.subscribed(client.channel("other"))
        self.assertEqual(len(self.frames("access_token")), 1)
        self.assertEqual(self.frames("phx_join")[1]["access_token"], token)
        self.failureResultOf(client.set_auth(7), ConfigurationError)  # type: ignore[arg-type]

    def test_never_answered(self) -> None:
        """A callable that never answers is given up with the client."""
        client = self.client(Deferred)
        channel = client.channel("room")
        subscribing = channel.subscribe()
        authing = client.set_auth()
        self.memory.flush()
        stopping = client.stopService()
        self.memory.flush()
        self.memory.advance(5)
        self.successResultOf(stopping)
        self.failureResultOf(subscribing, NotConnected)
        self.failureResultOf(authing, CancelledError)
        self.assertEqual(self.memory.clock.getDelayedCalls(), [])

    def test_secrets(self) -> None:
        """Neither the key nor a token is in a repr, the state or the log."""
        with capturedLogs() as events:
            client = self.client(self.make)
            channel = client.channel("room")
            self.subscribed(channel)
            self.memory.expire()
            self.memory.drop()
            self.pass_time(30)
        shown = [repr(it) for it in (client, client.socket, channel, events)]
        shown += [repr(client.socket.get_state()), repr(channel.params)]
        shown.append(repr(client.socket.options))
        for text in shown:
            for secret in (self.memory.publishable_key, *self.made):
                self.assertNotIn(secret, text)

    def test_asked_anew(self) -> None:
        """What was never answered is given up with the join, and asked anew."""
        asked: list[Deferred[str]] = []

        def source() -> Deferred[str]:
            asked.append(Deferred())
            return asked[-1]

        client = self.client(source)
        subscribing = client.channel("room").subscribe()
        self.pass_time(20)
        self.failureResultOf(subscribing, JoinTimeout)
        self.assertTrue(asked[0].called)
        subscribing = client.channel("other").subscribe()
        self.memory.flush()
        self.assertEqual(len(asked), 2)
        asked[1].callback(self.make())
        self.memory.flush()
        self.successResultOf(subscribing)

    def test_late_answer(self) -> None:
        """An answer to what was given up is not taken for the next one's."""
        asked: list[Deferred[str]] = []

        async def source() -> str:
            asked.append(Deferred())
            try:
                return await asked[-1]
            except CancelledError:
                asked.append(Deferred())
                return await asked[-1]

        client = self.client(source)
        given_up = client.set_auth()
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        authing = client.set_auth()
        asked[1].callback(self.make())
        self.assertNoResult(authing)
        asked[2].callback(self.make())
        self.successResultOf(authing)

    def test_one_gives_up_others(self) -> None:
        """Who is told may give up who waits besides."""
        answer: Deferred[str] = Deferred()
        client = self.client(lambda: answer)
        first, second = client.set_auth(), client.set_auth()
        first.addCallback(lambda _: second.cancel())
        answer.callback(self.make())
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)

    def test_renewal_never_answered(self) -> None:
        """A renewal that is never answered is given up, and asked for anew."""
        answers: list[Any] = [succeed(self.make()), Deferred()]

        def source() -> Any:
            return answers.pop(0) if answers else self.make()

        client = self.client(source)
        errors: list[BaseException] = []
        client.on_error(errors.append)
        channel = client.channel("room")
        self.subscribed(channel)
        self.pass_time(3590)
        self.assertEqual([type(it) for it in errors], [TimeoutError])
        self.assertEqual(self.frames("access_token"), [{"access_token": self.made[1]}])
        self.pass_time(100)
        self.assertTrue(channel.is_joined)
