"""What the tests of the Supabase client share: a client and a project in memory."""

from __future__ import annotations

import json
from typing import Any

from txphoenix.supabase import RealtimeChannel, RealtimeClient

from .supabase_wire import SupabaseCase

__all__ = ["ClientCase"]


class ClientCase(SupabaseCase):
    """A test with a client of a project in memory."""

    vsn = "2.0.0"

    def client(self, access_token: Any = None, **options: Any) -> RealtimeClient:
        """A client that is connected; at the end it has left nothing on the clock."""
        if self.vsn == "1.0.0":
            options["vsn"] = self.vsn
        client = RealtimeClient(
            self.memory.project_url,
            self.memory.publishable_key,
            access_token,
            reactor=self.memory.clock,
            endpoint=self.memory.endpoint,
            **options,
        )
        client.startService()
        self.addCleanup(self.end, client)
        self.memory.flush()
        return client

    def end(self, client: RealtimeClient) -> None:
        """Stop the client."""
        stopping = client.stopService()
        self.memory.flush()
        self.memory.advance(5)
        self.successResultOf(stopping)
        warned = [it["message"] for it in self.flushWarnings()]
        # The version was chosen for the server, and nobody can mend that.
        self.assertEqual([it for it in warned if "serializer" in it], [])

    def subscribed(self, channel: RealtimeChannel) -> Any:
        """Subscribe, and let the server do what follows."""
        subscribing = channel.subscribe()
        self.memory.flush()
        self.memory.advance(0)
        self.memory.flush()
        return self.successResultOf(subscribing)

    def frames(self, event: str) -> list[Any]:
        """The payloads of the text frames with an event that clients have sent."""
        found = []
        for session in self.memory.connections:
            for frame in session.frames:
                if frame.is_sent or frame.is_binary:
                    continue
                read = json.loads(frame.data)
                if isinstance(read, dict):
                    read = [None, None, None, read["event"], read["payload"]]
                if read[3] == event:
                    found.append(read[4])
        return found
