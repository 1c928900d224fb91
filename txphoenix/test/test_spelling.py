"""Tests of :mod:`txphoenix.options.spelling`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.options.options import OPTIONS, Options
from txphoenix.options.spelling import did_you_mean

NAMES = list(OPTIONS)


class DidYouMeanTests(SynchronousTestCase):
    """What is offered for a name that does not exist."""

    def test_misspelt(self) -> None:
        """A name that was misspelt, or of which a part was left out, is found."""
        for given, meant in (
            ("timeot", "timeout"),
            ("tiemout", "timeout"),
            ("ulr", "url"),
            ("keep_alive", "keepalive"),
            ("heartbeet_interval", "heartbeat_interval"),
            ("token", "auth_token"),
            ("header", "headers"),
            ("autoconnect", "auto_connect"),
            ("Proxy", "proxy"),
            ("default_channel_module", "default_channel_class"),
        ):
            self.assertEqual(did_you_mean(given, NAMES), f"; did you mean {meant!r}?")

    def test_far_fetched(self) -> None:
        """A name that only has some letters in common is not offered."""
        for given in ("reactr", "exit", "rate", "factory", "x", "", "test", "context"):
            self.assertEqual(did_you_mean(given, NAMES), "", given)

    def test_reactor(self) -> None:
        """The client takes a reactor, which is no option and may be meant."""
        with self.assertRaises(ConfigurationError) as caught:
            SocketClient("ws://x.test", reactr=None)  # type: ignore[call-arg]
        text = "there is no option 'reactr'; did you mean 'reactor'?"
        self.assertEqual(str(caught.exception), text)
        with self.assertRaises(ConfigurationError) as caught:
            Options(url="ws://x.test").replace(reactr=None)  # type: ignore[call-arg]
        self.assertEqual(str(caught.exception), "there is no option 'reactr'")
