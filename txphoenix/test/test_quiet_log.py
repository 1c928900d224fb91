"""Tests of :mod:`txphoenix.runtime.quiet_log`."""

from __future__ import annotations

from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.quiet_log import QuietLog


class QuietLogTests(SynchronousTestCase):
    """:class:`txphoenix.runtime.quiet_log.QuietLog`."""

    def test_dropped(self) -> None:
        """Lines below a warning are dropped, and their values never looked at."""
        log = QuietLog()
        with capturedLogs() as events:
            log.trace("a", token="secret")
            log.debug("{no_such_value}")
            log.info("c {token}", token="secret")
        self.assertEqual(events, [])

    def test_passed_on(self) -> None:
        """Warnings and errors go to the library's namespace, with their values.

        What the client tells itself, the end of a connection, is of level debug.
        """
        with capturedLogs() as events:
            QuietLog().warn("closing ({code})", code=1009)
            QuietLog("elsewhere").error("{broken and plain")
            QuietLog().error("SSL error: no certificate")
        self.assertEqual(
            [(it["log_namespace"], it["log_level"], formatEvent(it)) for it in events],
            [
                ("txphoenix", LogLevel.debug, "closing (1009)"),
                ("elsewhere", LogLevel.error, "{broken and plain"),
                ("txphoenix", LogLevel.debug, "SSL error: no certificate"),
            ],
        )

    def test_redacted(self) -> None:
        """The values in URLs and the token in a subprotocol are cut out."""
        with capturedLogs() as events:
            QuietLog().warn(
                "{url} wants {protocols}",
                url="wss://host/socket/websocket?token=secret&vsn=2.0.0",
                protocols=["phoenix", "base64url.bearer.phx.c2VjcmV0+/"],
            )
        [event] = events
        text = formatEvent(event)
        self.assertEqual(
            text,
            "wss://host/socket/websocket?token=[redacted]&vsn=[redacted] wants "
            "['phoenix', 'base64url.bearer.phx.[redacted]']",
        )
        self.assertNotIn("secret", repr(event))

    def test_quotes(self) -> None:
        """A quote may be a part of a URL's value; one around the URL stays."""
        for line, said in (
            ("of wss://host/s?token=a'secret here", "of wss://host/s?token=[redacted]"),
            ("of wss://host/s?token=a\">secret'", "of wss://host/s?token=[redacted]'"),
            ("of 'wss://host:80', not here", "of 'wss://host:80', not here"),
            ("['http://host/s?a=secret']", "['http://host/s?a=[redacted]']"),
            ("(http://me:'secret'@host/s): no", "(http://[redacted]@host/s): no"),
        ):
            with capturedLogs() as events:
                QuietLog().warn(line)
            text = formatEvent(events[0])
            self.assertTrue(text.startswith(said), text)
            self.assertNotIn("secret", text)
