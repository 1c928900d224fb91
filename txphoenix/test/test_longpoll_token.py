"""Tests of the option ``longpoll_token_header``."""

from __future__ import annotations

from typing import Any, ClassVar

from txphoenix import HandshakeRefused

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .support import TOPIC, ClientTestCase

HEADER = "x-phoenix-longpoll-token"


@by_treq_too
class RequestTests(LongPollTestCase):
    """What the requests of a session hold."""

    def test_header(self) -> None:
        """With the option the session is named in a header, and in no URL."""
        client, poll = self.open(longpoll_token_header=True)
        self.assertEqual(poll.header(HEADER), "the-token")
        self.assertNotIn("the-token", poll.uri)
        client.channel("rooms:1").join().addErrback(lambda _: None)
        publish = self.server.take("POST")
        self.assertEqual(publish.header(HEADER), "the-token")
        self.assertNotIn("the-token", publish.uri)
        publish.say(200)

    def test_query(self) -> None:
        """Without it, it is as it was."""
        _, poll = self.open()
        self.assertIsNone(poll.header(HEADER))
        self.assertIn("token=the-token", poll.uri)

    def test_no_header(self) -> None:
        """A token that no header can hold opens no session."""
        for token in ("a\r\nX-Evil: b", "a b", "é", "\0"):
            with self.subTest(token=token):
                client = self.begin(longpoll_token_header=True, reconnect=False)
                self.server.take("GET").say(410, token=token, messages=[])
                error = self.errors.pop()
                self.assertIsInstance(error, HandshakeRefused)
                self.assertIn("no header can hold", str(error))
                self.assertEqual(client.status, "disconnected")

    def test_gone(self) -> None:
        """A session that is gone may be one that the server has not looked for."""
        client, poll = self.open(longpoll_token_header=True)
        poll.say(410, token="another", messages=[])
        self.assertIn("longpoll_token_header", str(self.loss(client)))


class ServerTests(ClientTestCase):
    """Servers that know the header, and one that does not."""

    flavour: ClassVar[str] = "1.8-bandit"

    def setUp(self) -> None:
        """Have the server speak as one version does."""
        self.server_options: Any = {"flavour": self.flavour}
        super().setUp()

    def test_join(self) -> None:
        """Channels are joined as ever, after a fallback too."""
        for options in ({"transport": "longpoll"}, {"longpoll_fallback": 1.0}):
            self.memory.refuse(503, "websocket")
            client = self.make_client(longpoll_token_header=True, **options)
            client.startService()
            self.memory.flush()
            channel = client.channel(TOPIC)
            joined = self.watch(channel.join())
            self.memory.flush()
            self.assertEqual(channel.state, "joined", joined)
            self.stop_client(client)


class CowboyTests(ServerTests):
    """The same with another server that knows it."""

    flavour = "1.8-cowboy"


class OldServerTests(ClientTestCase):
    """A server that does not know the header."""

    server_options = {"flavour": "1.7-bandit"}

    def test_error(self) -> None:
        """The error of the loss says so."""
        client = self.make_client(transport="longpoll", longpoll_token_header=True)
        losses: list[Any] = []
        client.on_close(losses.append)
        client.startService()
        self.memory.flush()
        self.assertEqual(losses[0].code, 3410)
        self.assertIn("the server does not know the header", str(losses[0]))
