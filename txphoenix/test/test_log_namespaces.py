"""The namespaces of the log, by which people filter: public names, which stay."""

from __future__ import annotations

import re
from importlib import import_module

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from .extra import needs
from .test_howtos import DOCS, NOT_THERE
from .test_package_log import module_names

NAMESPACES = [
    "txphoenix.absinthe",
    "txphoenix.channel",
    "txphoenix.channel_set",
    "txphoenix.channels",
    "txphoenix.cli",
    "txphoenix.cli_demo",
    "txphoenix.client",
    "txphoenix.closing",
    "txphoenix.connection",
    "txphoenix.deadlines",
    "txphoenix.hooks",
    "txphoenix.inbox",
    "txphoenix.join_channels",
    "txphoenix.join_queue",
    "txphoenix.metrics",
    "txphoenix.presence",
    "txphoenix.retry_policy",
    "txphoenix.silence",
    "txphoenix.state",
    "txphoenix.supabase",
    "txphoenix.tap_services",
    "txphoenix.telemetry",
    "txphoenix.testing.http.Mount",
    "txphoenix.testing.memory.MemoryTransport",
    "txphoenix.testing.process.ChannelProcess",
    "txphoenix.testing.server.PhoenixServer",
    "txphoenix.testing.session.ServerSession",
    "txphoenix.transports.connector",
    "txphoenix.transports.fallback",
    "txphoenix.transports.http_connections",
    "txphoenix.transports.longpoll",
    "txphoenix.transports.opening",
    "txphoenix.transports.own_connector",
    "txphoenix.transports.retrying",
    "txphoenix.transports.tls_creator",
    "txphoenix.transports.tls_sessions",
    "txphoenix.transports.treq_connections",
    "txphoenix.transports.tuned",
    "txphoenix.transports.websocket",
    "txphoenix.waiters",
    "txphoenix.wake_ups",
    "txphoenix.wamp",
    "txphoenix.withdrawal",
]


def namespaces(name: str) -> set[str]:
    """Those in which a module and its classes log.

    Twisted names the logger of a class after the class, however it is made.
    """
    values = list(vars(import_module(name)).values())
    classes = [
        value
        for value in values
        if isinstance(value, type) and value.__module__ == name
    ]
    of_classes = [
        getattr(owner, attribute)
        for owner in classes
        for attribute, value in vars(owner).items()
        if isinstance(value, Logger)
    ]
    return {it.namespace for it in values + of_classes if isinstance(it, Logger)}


class NamespaceTests(SynchronousTestCase):
    """All namespaces of the package."""

    @needs("prompt_toolkit", "prometheus_client", "opentelemetry")
    def test_all(self) -> None:
        """They are those that they have always been, wherever the code lies now."""
        found: set[str] = set().union(*map(namespaces, module_names()))
        self.assertEqual(sorted(found), NAMESPACES)


class DocumentedTests(SynchronousTestCase):
    """Lines of the log that the documentation shows."""

    skip = NOT_THERE

    def test_shown(self) -> None:
        """Each is in a namespace that there is."""
        shown: set[str] = set()
        for page in (*DOCS.glob("*.rst"), *DOCS.glob("*.txt")):
            shown |= set(re.findall(r"\[(txphoenix[\w.]*)#", page.read_text("utf-8")))
        self.assertGreater(len(shown), 1)
        self.assertLessEqual(shown, set(NAMESPACES))
