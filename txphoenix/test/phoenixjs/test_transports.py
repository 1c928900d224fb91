"""phoenix.js's tests of URLs, of the transport and what it is asked to connect with."""

from __future__ import annotations

from typing import Any

from txphoenix import ConfigurationError, SocketClient

from .support import PhoenixJSTestCase


class EndpointURLTests(PhoenixJSTestCase):
    """What the client makes of the URL it is given."""

    server_options = {"path": "/chat"}

    def opened(self, url: str) -> tuple[str, int, bool]:
        """Connect to a URL.

        :return: the host and port that were asked for, and whether by TLS.
        """
        asked: list[tuple[str, int, bool]] = []

        def endpoint(_reactor: Any, host: str, port: int, tls: Any) -> Any:
            asked.append((host, port, tls is not None))
            return self.memory.endpoint

        self.connected_client(url=url, endpoint=endpoint)
        [found] = asked
        return found

    def assert_refused(self, url: str) -> None:
        """The URL is refused, by an error that says what was expected."""
        with self.assertRaises(ConfigurationError) as caught:
            SocketClient(url, reactor=self.clock)
        self.assertIn("ws://", str(caught.exception))

    def test_returns_wss_when_location_protocol_is_https(self) -> None:
        """S25, otherwise: there is no page, and https is read as wss."""
        self.assertEqual(
            self.opened("https://example.org/chat"), ("example.org", 443, True)
        )

    def test_returns_ws_when_location_protocol_is_http(self) -> None:
        """H1, otherwise: there is no page, and http is read as ws."""
        self.assertEqual(
            self.opened("http://example.org/chat"), ("example.org", 80, False)
        )

    def test_returns_endpoint_for_given_full_url(self) -> None:
        """S26: of a whole URL the endpoint is made by adding websocket and vsn."""
        self.assertEqual(
            self.opened("wss://example.org/chat"), ("example.org", 443, True)
        )
        socket = self.memory.sessions[0].socket
        self.assertEqual(socket.headers["host"].partition(":")[0], "example.org")
        self.assertEqual(socket.path, "/chat/websocket")
        self.assertEqual(socket.query, "vsn=2.0.0")

    def test_returns_endpoint_for_given_protocol_relative_url(self) -> None:
        """S27, otherwise: without a page to be relative to, this is no URL."""
        self.assert_refused("//example.org/chat")

    def test_returns_endpoint_for_given_path_on_https_host(self) -> None:
        """S28, otherwise: nor is a path."""
        self.assert_refused("/chat")

    def test_returns_endpoint_for_given_path_on_http_host(self) -> None:
        """H2, otherwise: nor is a path, whatever the page would have been."""
        self.assert_refused("/chat?token=secret")
        try:
            SocketClient("/chat?token=secret", reactor=self.clock)
        except ConfigurationError as error:
            self.assertNotIn("secret", str(error))


class AppendParamsTests(PhoenixJSTestCase):
    """The query of the URL."""

    def test_should_return_url_unchanged_when_params_is_empty(self) -> None:
        """A1: without params the query is what it was, and vsn, which is always there.

        The URL's own query stays as it was written.
        """
        self.connected_client(url=f"{self.memory.url}?a=%20b", params={})
        self.assertEqual(self.memory.sessions[0].socket.query, "a=%20b&vsn=2.0.0")

    def test_should_use_ampersand_when_url_already_has_query_params(self) -> None:
        """A2: params are added to the query that the URL brings along."""
        self.connected_client(
            url=f"{self.memory.url}?existing=param", params={"new": "param"}
        )
        self.assertEqual(
            self.memory.sessions[0].socket.query,
            "existing=param&new=param&vsn=2.0.0",
        )


class TransportConnectTests(PhoenixJSTestCase):
    """What is asked of the server beside the URL."""

    server_options = {"auth_token": True}

    def test_should_initialize_with_undefined_protocols_when_no_auth_token(
        self,
    ) -> None:
        """L33: without a token no subprotocol is offered."""
        self.connected_client()
        socket = self.memory.sessions[0].socket
        self.assertNotIn("sec-websocket-protocol", socket.headers)
        self.assertNotIn("x-phoenix-authtoken", socket.headers)
        self.assertIsNone(socket.auth_token)

    def test_should_only_set_protocols_array_when_auth_token_is_present(self) -> None:
        """L34: with a token it is offered, and nowhere else does the token appear."""
        self.connected_client(auth_token="a-secret")
        socket = self.memory.sessions[0].socket
        self.assertIn("sec-websocket-protocol", socket.headers)
        self.assertEqual(socket.auth_token, "a-secret")
        self.assertEqual(socket.query, "vsn=2.0.0")


class WebSocketTests(PhoenixJSTestCase):
    """The transport from one connection to the next."""

    def test_defaults_to_websocket_transport_if_available(self) -> None:
        """S4: unless told otherwise the client connects by WebSocket."""
        self.connected_client()
        self.assertEqual(self.memory.sessions[0].socket.transport, "websocket")

    def test_does_not_accumulate_error_callbacks(self) -> None:
        """S7: nothing grows with the connections: no timer, no hook called twice."""
        client = self.connected_client()
        told: list[str] = []
        client.on_open(lambda: told.append("open"))
        client.on_close(lambda _: told.append("close"))
        client.on_error(lambda _: told.append("error"))
        channel = self.joined_channel(client=client)
        channel.on_error(lambda _: told.append("channel"))
        counts = set()
        for _ in range(5):
            told.clear()
            self.memory.is_listening = False
            self.lose_connection()
            self.memory.advance(0.5)
            self.memory.is_listening = True
            self.memory.advance(0.5)
            self.assertEqual(told, ["channel", "close", "error", "open"])
            self.assertEqual(channel.state, "joined")
            # The deadlines of the joins share one call, which has its time.
            self.memory.advance(client.options.timeout)
            counts.add(len(self.clock.getDelayedCalls()))
        self.assertEqual(len(counts), 1)

    def test_does_not_fall_back_after_a_normal_close(self) -> None:
        """S9, otherwise: after a close with 1000 it comes back, by WebSocket."""
        client = self.connected_client()
        self.memory.sessions[0].close(1000)
        self.memory.flush()
        self.reconnect()
        self.assertEqual(
            [session.socket.transport for session in self.memory.sessions],
            ["websocket", "websocket"],
        )
        self.assertTrue(client.connected)

    def test_does_not_rearm_fallback_when_an_earlier_on_open_callback_disconnects(
        self,
    ) -> None:
        """S12: disconnect() in a hook of on_open is the end: no second connection."""
        client = self.make_client()
        opened: list[str] = []
        client.on_open(lambda: self.watch(client.disconnect()))
        client.on_open(lambda: opened.append(client.status))
        client.startService()
        self.memory.flush()
        self.assertEqual(opened, ["disconnected"])
        self.wait_long()
        self.assertFalse(client.connected)
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(self.memory.connections, [])

    def test_does_not_fall_back_when_an_earlier_on_error_callback_disconnects(
        self,
    ) -> None:
        """S13: disconnect() in a hook of on_error is the end: no further attempt."""
        self.memory.is_listening = False
        client = self.make_client()
        client.on_error(lambda _: self.watch(client.disconnect()))
        client.startService()
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.memory.is_listening = True
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 0)
        self.assertEqual(client.status, "disconnected")

    def test_does_not_let_the_scheduled_reconnect_replace_the_new_connection(
        self,
    ) -> None:
        """S22, S23: connect() while an attempt is planned makes no further one.

        The planned one comes at once, and its connection stays.
        """
        client = self.connected_client()
        self.lose_connection()
        client.connect()
        client.connect()
        self.memory.flush()
        self.assertEqual(len(self.memory.sessions), 2)
        client.connect()
        self.wait_long()
        self.assertEqual(len(self.memory.sessions), 2)
        self.assertEqual(len(self.memory.connections), 1)
