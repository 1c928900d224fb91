"""Issue 9, 24: what an error says where an option or an argument was not right."""

from __future__ import annotations

from typing import Any

from txphoenix.errors import AlreadyJoined, ConfigurationError

from .support import TOPIC, ClientTestCase


class ProxyTests(ClientTestCase):
    """The option ``proxy``."""

    def text(self, proxy: Any) -> str:
        """What the error says."""
        error = self.assertRaises(ConfigurationError, self.make_client, proxy=proxy)
        return str(error)

    def test_socks(self) -> None:
        """The URL of a SOCKS proxy is led to the option that can do it."""
        for url in (
            "socks5://127.0.0.1:1080",
            "SOCKS5h://u:secret@x.test",
            "socks://x",
        ):
            text = self.text(url)
            self.assertIn("give the option endpoint", text)
            self.assertIn("Proxies and load balancers, SOCKS", text)
            self.assertNotIn("secret", text)

    def test_no_url(self) -> None:
        """A word, or an address without a scheme, hears what there is."""
        for word in ("env", "Environment", "127.0.0.1:3128", "user:secret@proxy", ""):
            text = self.text(word)
            self.assertIn("'environment'", text)
            self.assertIn("'http://proxy.example.org:3128'", text)
            self.assertNotIn("secret", text)


class ArgumentTests(ClientTestCase):
    """Arguments are looked at whatever state the client is in."""

    def test_checked_in_each_state(self) -> None:
        """Before the start, connecting, connected, and after the end."""
        client = self.make_client()
        channel = client.channel(TOPIC)
        self.assert_checked(client, channel)
        self.memory.holds_connections = True
        client.startService()
        self.memory.flush()
        self.watch(channel.join())
        self.assert_checked(client, channel)
        self.memory.holds_connections = False
        self.memory.release_connections()
        self.memory.flush()
        self.assert_checked(client, channel)
        self.watch(client.disconnect())
        self.memory.flush()
        self.assert_checked(client, channel)
        self.watch(client.stopService())
        self.memory.flush()
        self.assert_checked(client, channel)

    def assert_checked(self, client: Any, channel: Any) -> None:
        """Each argument that cannot be is told, by a Deferred that has failed."""
        wrong: Any
        for wrong in (0, -1, "x", True, 1.5, [], float("nan")):
            failed = self.watch(client.when_connected(wrong))
            self.assert_failed(failed, ConfigurationError)
        for wrong in (0, -1, "x", True, [], float("nan")):
            for call in (
                client.ping,
                channel.join,
                channel.leave,
                lambda timeout: client.join("rooms:other", None, timeout),
                lambda timeout: client.leave("rooms:other", timeout),
                lambda timeout: channel.push("echo", {}, timeout),
            ):
                self.assert_failed(self.watch(call(wrong)), ConfigurationError)

    def test_already_joined(self) -> None:
        """The error of a taken topic says where the channel is."""
        channel = self.joined_channel()
        error = self.assert_failed(
            self.watch(self._clients[0].join(TOPIC)), AlreadyJoined
        )
        self.assertIn("error.channel has it", str(error))
        self.assertIs(error.channel, channel)
