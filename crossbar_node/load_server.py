"""The Phoenix server of the throughput benchmark, as a process: it prints its URL."""

from __future__ import annotations

from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred

from txphoenix.testing import PhoenixServer, ServerChannel, ok

__all__ = ["LISTENS"]

LISTENS = "listens: "
"""What is before the URL."""


class Load(ServerChannel):
    """Sends as many events as it is told to, and echoes all else."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """``flood`` with ``count`` and ``body`` sends so many ``tick`` events."""
        if event == "flood":
            Deferred.fromCoroutine(self.flood(payload["count"], payload["body"]))
            return ok()
        return ok(payload)

    async def flood(self, count: int, body: str) -> None:
        """Send, as fast as the connection takes it."""
        for number in range(count):
            await self.ready()
            self.push("tick", {"number": number, "body": body})


async def serve(reactor: Any) -> None:
    """Serve until told to end."""
    server = await PhoenixServer({"*": Load}).start()
    print(f"{LISTENS}{server.url}", flush=True)
    await Deferred()


if __name__ == "__main__":
    task.react(serve)
