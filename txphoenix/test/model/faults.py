"""Faults of the library, each of which the model must find.

Each is written as a change of some lines, all of which must be there, together and
once: those with a minus are taken out, and those with a plus are in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["FAULTS", "Change", "Fault"]


class Change(NamedTuple):
    """A change of one file.

    :ivar path: the file, below ``txphoenix/``.
    :ivar old: what is there.
    :ivar new: what takes its place.
    """

    path: str
    old: str
    new: str


class Fault(NamedTuple):
    """One fault.

    :ivar name: what is wrong, in a few words.
    :ivar transport: over which the model shall find it.
    :ivar text: files, each with the lines of its change.
    """

    name: str
    transport: str
    text: str

    def changes(self) -> Iterator[Change]:
        """Each change of a file."""
        for part in self.text.strip().split("\n\n"):
            path, *lines = part.split("\n")
            old, new = (
                "".join(line[1:] + "\n" for line in lines if line[0] == sign)
                for sign in "-+"
            )
            yield Change(path, old, new)


FAULTS = (
    Fault(
        "a reply goes to the push that was sent last",
        "websocket",
        """
channels/pushes.py
-        return None if sent is None else sent.pop(ref, None)
+        return sent.popitem()[1] if sent else None
""",
    ),
    Fault(
        "pushes under way do not fail with the connection",
        "websocket",
        """
channels/joins.py
-        return [] if pushes is None else pushes.take_sent()
+        return [] if pushes is None else pushes.take_sent()[1:]
""",
    ),
    Fault(
        "a Deferred fires once more with a late reply",
        "longpoll",
        """
channels/pushes.py
-                self._sent.pop(pending.ref, None)
+                pass

channels/pending.py
-        self.unset()
-        deferred, self.deferred = self.deferred, None
+        self.unset()
+        deferred = self.deferred
""",
    ),
    Fault(
        "after a rejoin hooks are called twice",
        "fallback",
        """
client/receiving.py
-            for _, function in functions:
+            for _, function in functions * (1 + (membership.joins.attempt > 1)):
""",
    ),
    Fault(
        "the messages of one poll come in the other order",
        "longpoll",
        """
transports/longpoll.py
-                self._received.extend(messages)
+                self._received.extend(messages[::-1])
""",
    ),
    Fault(
        "what a poll has brought is lost when reading pauses",
        "longpoll",
        """
transports/longpoll.py
-        finally:
-            self._is_delivering = False
+        finally:
+            self._is_delivering = False
+            if self._is_paused:
+                received.clear()
""",
    ),
    Fault(
        "frames of a read are lost when reading pauses",
        "websocket",
        """
transports/frames.py
-                if self._is_paused or self.state != _OPEN:
+                if self._is_paused:
+                    self.data = b''
+                if self._is_paused or self.state != _OPEN:
""",
    ),
    Fault(
        "one of several channels does not join again",
        "websocket",
        """
channels/keeper.py
-        self._each(lambda membership: membership.connection_opened())
+        [it.connection_opened() for it in list(self.routes.values())[:2]]
""",
    ),
    Fault(
        "the server is not told of a leave",
        "websocket",
        """
channels/leaves.py
-        manager.send(Message.leave(membership.topic, ref, join_ref))
+        Message.leave(membership.topic, ref, join_ref)
""",
    ),
    Fault(
        "the heartbeat's timer outlives the stop",
        "websocket",
        """
client/heartbeat.py
-        \"\"\"Send no more, and fail each :meth:`ping` with ``reason``.\"\"\"
-        self.unset()
+        \"\"\"Send no more, and fail each :meth:`ping` with ``reason``.\"\"\"
""",
    ),
    Fault(
        "messages of an earlier join are taken",
        "websocket",
        """
client/receiving.py
-                and (join_ref is None or join_ref == membership.joins.ref)
+                and (join_ref is None or membership.joins.ref)
""",
    ),
    Fault(
        "a channel does not tell that it is interrupted",
        "fallback",
        """
channels/membership.py
-        if is_told:
+        if is_told and pushes:
""",
    ),
    Fault(
        "part of a frame is kept for the next connection",
        "websocket",
        """
transports/frames.py
-            self._incomplete = None
+            taken = self._incomplete.taken() if self._incomplete else b''
+            self.factory.rest = taken + self.data

transports/frames.py
-        self._is_plain = self.fast_frames and is_plain_session(self)
+        self._is_plain = self.fast_frames and is_plain_session(self)
+        self.data = getattr(self.factory, 'rest', b'') + self.data
""",
    ),
    Fault(
        "the delays never begin anew",
        "websocket",
        """
client/connection.py
-        if self.patience.has_lasted(self._elapsed()):
-            self._factory.retries = 0

client/connection.py
-        if self.patience.has_answered(self._elapsed()):
-            self._factory.retries = 0
+        self.patience.has_answered(self._elapsed())
""",
    ),
    Fault(
        "a cancelled push is kept for its reply",
        "websocket",
        """
channels/pushes.py
-        self.forget(pending)
-        if pending.ref is not None:
+        if pending.ref is not None:
""",
    ),
    Fault(
        "pushes that were kept leave in the other order",
        "longpoll",
        """
channels/pushes.py
-            pending = next(iter(kept))
+            pending = next(reversed(kept))
""",
    ),
    Fault(
        "a dead server is not found",
        "websocket",
        """
client/heartbeat.py
-            self._owner.heartbeat_failed(HeartbeatTimeout(self.timeout))
+            self._ref = None
+            self._deadlines.set(self, self.interval)
""",
    ),
    Fault(
        "the hook for a channel's end is not called",
        "websocket",
        """
channels/membership.py
-        self.hooks.tell_close(reason, topic)
""",
    ),
    Fault(
        "who reads is not told of a disconnect",
        "websocket",
        """
channels/membership.py
-        if self.made_inbox is not None:
-            self.made_inbox.interrupt(error)
""",
    ),
    Fault(
        "of those who wait to write the first alone is told",
        "websocket",
        """
channels/writers.py
-        for waiting in every:
+        for waiting in every[:1]:
""",
    ),
    Fault(
        "a fallback stays with long-poll though a WebSocket has worked",
        "fallback",
        """
transports/fallback.py
-            self._prefers_longpoll = not self._has_websocket_worked
+            self._prefers_longpoll = True
""",
    ),
    Fault(
        "what the client pushes behind joins is lost",
        "websocket",
        """
client/outbox.py
-        state.put_back(waiting)
""",
    ),
    Fault(
        "a channel that is started does not wait for the start",
        "websocket",
        """
channels/membership.py
-            may_wait = pending.is_patient and not manager.is_ending
+            may_wait = False
""",
    ),
    Fault(
        "a start ends what has waited for it since the stop",
        "websocket",
        """
channels/channel_set.py
-        if is_done:
+        if False:
""",
    ),
    Fault(
        "the time of a join runs that waits for a connect()",
        "websocket",
        """
channels/pending.py
-        if not self.is_patient:
-            self.run(deadlines)
+        if True:
+            self.run(deadlines)
""",
    ),
    Fault(
        "a channel that is started gives up with its first join",
        "websocket",
        """
channels/joins.py
-        self._pending, self.keeps_trying = pending, pending.is_patient
+        self._pending, self.keeps_trying = pending, False
""",
    ),
)
