"""What the tests of ``examples/outbox.py`` share: the example, and its server's side.

The example is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import TestCase

from txphoenix.test.cli_program import ROOT, Program
from txphoenix.testing import PhoenixServer
from txphoenix.testing.cases import PhoenixMixin

__all__ = ["EXAMPLE", "OutboxCase"]

EXAMPLE = ROOT / "examples" / "outbox.py"


def load_example() -> Any:
    """The example as a module, with a database of the server's side of its own."""
    spec = importlib.util.spec_from_file_location("outbox_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class OutboxCase(PhoenixMixin, TestCase):
    """The example, and a server that takes its orders.

    :ivar received: the numbers of the orders that have come, each time that they came.
    """

    timeout = 120
    skip = None if EXAMPLE.exists() else "installed without its examples"

    def setUp(self) -> None:
        """Load it."""
        self.example = load_example()
        self.addCleanup(self.example.Orders.database.close)
        self.path = os.path.abspath(self.mktemp())
        self.received: list[int] = []

    async def serve(
        self,
        before: Callable[[int], Any] = lambda number: None,
        after: Callable[[int], Any] = lambda number: None,
    ) -> PhoenixServer:
        """A server.

        :param before: called with an order's number before it is applied; what it
            returns, unless None, is the answer.
        :param after: called after it is applied.
        """
        received = self.received

        class Orders(self.example.Orders):  # type: ignore[misc,name-defined]
            def handle_in(self, event: str, payload: Any) -> Any:
                number = payload["number"]
                received.append(number)
                answer = before(number)
                if answer is None:
                    answer = super().handle_in(event, payload)
                    after(number)
                return answer

        return await self.phoenix_server({"orders": Orders})

    def kill(self, program: Program) -> None:
        """Kill a program, unless it has gone."""
        if program.transport.pid is not None:
            program.interrupt("KILL")

    @property
    def applied(self) -> list[int]:
        """The numbers of the orders that count, in the order in which they came."""
        rows = self.example.Orders.database.execute("SELECT number FROM orders")
        return [number for (number,) in rows]

    def rows(self, columns: str, table: str = "outbox") -> list[Any]:
        """What the program's database holds."""
        database = sqlite3.connect(self.path)
        try:
            return database.execute(f"SELECT {columns} FROM {table}").fetchall()
        finally:
            database.close()

    def assert_all_applied(self, count: int) -> None:
        """Each order counts, once, and in order; none is left to be sent."""
        self.assertEqual(self.applied, list(range(count)))
        self.assertEqual(self.rows("number", "sold"), [(n,) for n in range(count)])
        self.assertEqual(self.rows("*"), [])
