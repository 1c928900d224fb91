"""What the tests of the Supabase server share: a project in memory, and its clients."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.supabase.testing import MemorySupabaseServer

from .kit import Talker

__all__ = ["TODOS", "SupabaseCase", "frame_of_kind_3"]

TODOS = {"public.todos": {"id": "int8", "title": "text"}}


def frame_of_kind_3(
    join_ref: str,
    ref: str,
    topic: str,
    event: str,
    payload: bytes,
    *,
    metadata: bytes = b"",
    is_json: bool = False,
) -> bytes:
    """A broadcast of a user, as realtime-js writes it."""
    parts = [text.encode("utf-8") for text in (join_ref, ref, topic, event)]
    parts.append(metadata)
    head = bytes([3, *map(len, parts), int(is_json)])
    return head + b"".join(parts) + payload


class SupabaseCase(SynchronousTestCase):
    """A test with a project in memory."""

    def project(self, **settings: Any) -> MemorySupabaseServer:
        """The project; at the end nothing is left on its clock."""
        self.memory = MemorySupabaseServer(keep_frames=True, **settings)
        self.memory.clock.advance(1_000_000)
        self.addCleanup(self._check_clock)
        return self.memory

    def _check_clock(self) -> None:
        self.memory.stop(drain=False)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(self.memory.clock.getDelayedCalls(), [])

    def talker(self, vsn: str = "2.0.0", key: str | None = None) -> Talker:
        """A client that has asked for a connection."""
        key = self.memory.publishable_key if key is None else key
        talker: Talker = Talker.connect(self.memory)
        talker.server = self.memory
        talker.open(f"/realtime/v1/websocket?apikey={key}&vsn={vsn}")
        self.memory.flush()
        return talker

    def joined(
        self, topic: str = "realtime:room", *, token: str | None = None, **config: Any
    ) -> Talker:
        """A client that has joined a topic; what it was told first is forgotten."""
        talker = self.talker()
        answer = self.join(talker, topic, token=token, **config)
        self.assertEqual(answer["status"], "ok", answer)
        talker.heard()
        return talker

    def join(
        self,
        talker: Talker,
        topic: str = "realtime:room",
        *,
        token: str | None = None,
        ref: str = "1",
        **config: Any,
    ) -> Any:
        """Join; the payload of the reply.

        What has come after it stays to be heard.
        """
        params: dict[str, Any] = {"config": config}
        if token is not None:
            params["access_token"] = token
        message = [ref, ref, topic, "phx_join", params]
        talker.send(json.dumps(message).encode("utf-8"))
        self.memory.flush()
        first, *rest = talker.happenings
        talker.happenings = rest
        return json.loads(first.data)[4]  # type: ignore[union-attr]

    def pass_time(self, talker: Talker, seconds: float) -> list[Any]:
        """Let time pass, with heartbeats; what has come besides their replies."""
        heard: list[Any] = []
        while seconds > 0:
            self.memory.advance(min(seconds, 30.0))
            seconds -= 30.0
            heard += talker.say(None, "0", "phoenix", "heartbeat", {})
        return [it for it in heard if not isinstance(it, list) or it[2] != "phoenix"]

    def joined_by_version_1(self) -> Talker:
        """A client of version 1.0.0 that has joined."""
        talker = self.talker("1.0.0")
        payload: dict[str, Any] = {"config": {}}
        message = {"topic": "realtime:room", "event": "phx_join", "payload": payload}
        talker.send(json.dumps({**message, "ref": "1"}).encode("utf-8"))
        [reply] = talker.heard()
        self.assertEqual(reply["payload"]["status"], "ok")
        return talker

    def refused(self, topic: str = "realtime:room", **config: Any) -> str:
        """Why a client may not join."""
        answer = self.join(self.talker(), topic, **config)
        self.assertEqual(answer["status"], "error")
        return str(answer["response"]["reason"])

    def system(
        self, message: str, status: str = "error", **other: str
    ) -> dict[str, str]:
        """The payload of a ``system`` message."""
        told = {"extension": "system", "channel": "room", **other}
        return {**told, "status": status, "message": message}
