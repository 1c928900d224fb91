"""What the page about OpenTelemetry shows works as it is printed."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from txphoenix import telemetry
from txphoenix.telemetry.tracing import tracers
from txphoenix.testing import ChatRoom
from txphoenix.testing.cases import PhoenixMixin

from .test_howtos import NOT_THERE, URL, blocks, printed_by, program

PAGE = "howto-opentelemetry"


class PageTests(PhoenixMixin, TestCase):
    """The program that the page is."""

    skip = NOT_THERE
    timeout = 120

    async def test_program(self) -> None:
        """It prints what it says, and leaves nothing attached."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        source = program(PAGE).replace(URL, server.url)
        printed = await printed_by(source, PAGE)
        (said,) = blocks(PAGE, "text")
        self.assertEqual(printed[:4], said.text.split("\n")[:4])
        self.assertEqual(printed[4:], ["the trace that the server sees: True"])
        self.assertEqual((telemetry.list_handlers(), tracers), ([], []))
