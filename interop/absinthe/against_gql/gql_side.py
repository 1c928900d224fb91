"""gql, as a program has it that wants to stay connected: a reconnecting session."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import Any

from .sides import PATIENCE, Heard

__all__ = ["RELEASE", "GqlSide"]

RELEASE = "4.4.0"
"""The release of which the table tells."""


class GqlSide:
    """A session of gql's."""

    def __init__(self) -> None:
        self._gql: Any = import_module("gql")
        transports: Any = import_module("gql.transport.phoenix_channel_websockets")
        self._make: Any = transports.PhoenixChannelWebsocketsTransport
        # It logs each error that it raises as well.
        logging.getLogger("gql").setLevel(logging.CRITICAL)
        self._tasks: dict[Heard, asyncio.Task[None]] = {}
        self._client: Any = None
        self._session: Any = None

    async def connect(self, url: str, **options: Any) -> None:
        """Connect by a session that reconnects."""
        url += "/websocket"
        if "token" in options:
            # There is no place for a callable.
            url += f"?token={options['token']()}"
        arguments: dict[str, Any] = {}
        if "heartbeat" in options:
            arguments["heartbeat_interval"] = options["heartbeat"]
        transport = self._make(url, **arguments)
        self._client = self._gql.Client(transport=transport, execute_timeout=PATIENCE)
        self._session = await self._client.connect_async(
            reconnecting=True, retry_connect=_wait_little
        )

    def subscribe(self, document: str, variables: Any = None) -> Heard:
        """Subscribe, in a task of its own."""
        heard = Heard()
        task = asyncio.ensure_future(self._listen(heard, document, variables))
        self._tasks[heard] = task
        return heard

    async def _listen(self, heard: Heard, document: str, variables: Any) -> None:
        try:
            async for result in self._session.subscribe(
                self._gql.gql(document), variable_values=variables
            ):
                heard.results.append(result)
            heard.end = "end"
        except Exception as error:
            heard.end = type(error).__name__

    async def unsubscribe(self, heard: Heard) -> None:
        """Cancel the task: gql has no other way."""
        task = self._tasks.pop(heard)
        task.cancel()
        await asyncio.wait([task])

    async def execute(self, document: str, variables: Any = None) -> Any:
        """Send it, as a document of gql's."""
        try:
            parsed = self._gql.gql(document)
            return await self._session.execute(parsed, variable_values=variables)
        except Exception as error:
            data = getattr(error, "data", None)
            name = type(error).__name__
            return name if data is None else f"{name} with data"

    async def close(self) -> None:
        """Close the session, and end the tasks."""
        for heard in list(self._tasks):
            await self.unsubscribe(heard)
        if self._client is not None:
            await self._client.close_async()


def _wait_little(function: Any) -> Any:
    """Have it try again to connect, without gql's delays."""

    async def connect() -> Any:
        while True:
            try:
                return await function()
            except Exception:
                await asyncio.sleep(0.02)

    return connect
