"""Tests of :mod:`txphoenix.supabase.testing`: broadcasts, presences and changes."""

from __future__ import annotations

import json
from typing import Any

from .kit import Talker
from .supabase_wire import TODOS, SupabaseCase, frame_of_kind_3

ROOM = "realtime:room"
OK = {"status": "ok", "response": {}}
SHOUT = {"type": "broadcast", "event": "shout", "payload": {"n": 1}}


class BroadcastTests(SupabaseCase):
    """What is broadcast, and who hears it."""

    def setUp(self) -> None:
        """A project."""
        super().setUp()
        self.denied: set[str] = set()
        self.project(
            max_payload_size=100,
            policy=lambda claims, topic, action: action not in self.denied,
        )

    def shout(self, talker: Talker, payload: Any = None) -> list[Any]:
        """Broadcast JSON as text; what the sender is told."""
        return talker.say("1", "2", ROOM, "broadcast", payload or SHOUT)

    def test_text(self) -> None:
        """Others hear JSON as it was sent, and belonging to no join."""
        talker, other = self.joined(), self.joined()
        self.assertEqual(self.shout(talker), [])
        self.assertEqual(other.heard(), [[None, None, ROOM, "broadcast", SHOUT]])

    def test_self_and_ack(self) -> None:
        """Who wants it hears itself, and is answered after that."""
        talker = self.joined(broadcast={"self": True, "ack": "true"})
        heard = self.shout(talker)
        broadcast = [None, None, ROOM, "broadcast", SHOUT]
        self.assertEqual(heard, [broadcast, ["1", "2", ROOM, "phx_reply", OK]])

    def test_bytes(self) -> None:
        """Kind 3 comes in, kind 4 goes out, without the sender's metadata."""
        talker, other = self.joined(broadcast={"ack": True}), self.joined()
        frame = frame_of_kind_3(
            "1", "2", ROOM, "rohes", b"\x00\xff", metadata=b'{"persist":true}'
        )
        talker.send(frame, is_binary=True)
        self.assertEqual(talker.heard(), [["1", "2", ROOM, "phx_reply", OK]])
        head = bytes([4, len(ROOM), 5, 0, 0])
        self.assertEqual(other.heard(), [head + ROOM.encode() + b"rohes" + b"\x00\xff"])

    def test_json_of_kind_3(self) -> None:
        """JSON of kind 3 goes out unread to version 2.0.0, and as text to 1.0.0."""
        talker, other = self.joined(), self.joined()
        old = self.joined_by_version_1()
        for payload in (b'{ "n": 1 }', b"{ no JSON"):
            frame = frame_of_kind_3("1", "2", ROOM, "shout", payload, is_json=True)
            talker.send(frame, is_binary=True)
            head = bytes([4, len(ROOM), 5, 0, 1]) + ROOM.encode() + b"shout"
            self.assertEqual(other.heard(), [head + payload])
        [message] = old.heard()
        self.assertEqual(message["payload"], SHOUT)

    def test_bytes_to_version_1(self) -> None:
        """Who speaks version 1.0.0 does not hear bytes, and goes on."""
        old = self.joined_by_version_1()
        self.assertEqual(self.memory.send_broadcast("room", "raw", b"\x00"), 0)
        self.assertEqual(self.memory.send_broadcast("room", "shout", {"n": 1}), 1)
        [message] = old.heard()
        self.assertEqual(message["payload"]["event"], "shout")

    def test_malformed(self) -> None:
        """A binary frame that is none ends the connection, as a crash in Phoenix."""
        whole = frame_of_kind_3("1", "2", ROOM, "e", b"", metadata=b"{}")
        for frame in (
            b"\x03\x01",
            whole[:20],
            whole.replace(b"{}", b"{x"),
            whole.replace(b"room", b"ro\xffm"),
            b"\x09" + whole,
        ):
            talker = self.joined()
            talker.send(frame, is_binary=True)
            self.assertEqual(talker.heard(), [1011])

    def test_of_the_server(self) -> None:
        """The server broadcasts as the database does, with metadata."""
        talker = self.joined()
        told = self.memory.send_broadcast("room", "e", [1], metadata={"id": "7"})
        self.assertEqual(told, 1)
        metadata = b'{"id":"7"}'
        head = bytes([4, len(ROOM), 1, len(metadata), 1])
        self.assertEqual(
            talker.heard(), [head + ROOM.encode() + b"e" + metadata + b"[1]"]
        )

    def test_private(self) -> None:
        """A private channel and a public one of the same topic are two."""
        public, private = self.joined(), self.joined(private=True)
        self.assertEqual(self.memory.send_broadcast("room", "e", 1, private=True), 1)
        self.assertEqual(public.heard(), [])
        self.assertEqual(len(private.heard()), 1)
        self.shout(public)
        self.assertEqual(private.heard(), [])

    def test_not_allowed(self) -> None:
        """What may not be sent is answered so, if at all; nobody hears it."""
        config: dict[str, Any] = {"private": True, "broadcast": {"ack": True}}
        talker, other = self.joined(**config), self.joined(private=True)
        self.denied.add("broadcast.write")
        [reply] = self.shout(talker)
        refusal = {"status": "error", "response": {"error": "unauthorized"}}
        self.assertEqual(reply[4], refusal)
        self.assertEqual(self.shout(other), [])
        self.assertEqual(talker.heard(), [])

    def test_not_readable(self) -> None:
        """Who may read presences alone hears no broadcast."""
        self.denied.add("broadcast.read")
        talker = self.joined(private=True)
        self.assertEqual(self.memory.send_broadcast("room", "e", 1, private=True), 0)
        self.assertEqual(talker.heard(), [])

    def test_too_large(self) -> None:
        """What is too large is not sent, and answered so."""
        talker, other = self.joined(broadcast={"ack": True}), self.joined()
        [reply] = self.shout(talker, {**SHOUT, "payload": "x" * 100})
        self.assertEqual(reply[4]["response"], {"error": "payload_size_exceeded"})
        frame = frame_of_kind_3("1", "3", ROOM, "e", bytes(101))
        talker.send(frame, is_binary=True)
        self.assertEqual(talker.heard()[0][4]["status"], "error")
        self.assertEqual(other.heard(), [])

    def test_too_many(self) -> None:
        """Too many in a second end the channels that hear them."""
        self.project(max_events_per_second=2)
        talker, other = self.joined(), self.joined()
        for _ in range(3):
            self.shout(talker)
        heard = [it[4].get("message", it[3]) for it in other.heard()]
        self.assertEqual(heard[-2:], ["Too many messages per second", "phx_close"])
        self.assertEqual(len(self.memory.channels(ROOM)), 1)


class PresenceTests(SupabaseCase):
    """Who is present."""

    def setUp(self) -> None:
        """A project."""
        super().setUp()
        self.denied: set[str] = set()
        self.project(policy=lambda claims, topic, action: action not in self.denied)

    def member(self, key: str = "", **config: Any) -> Talker:
        """A client that is told who is present."""
        return self.joined(presence={"key": key, "enabled": True}, **config)

    def track(self, talker: Talker, payload: Any, event: str = "track") -> list[Any]:
        """Track; the events, and payloads without refs, that come."""
        message = {"type": "presence", "event": event, "payload": payload}
        return self.told(talker.say("1", "2", ROOM, "presence", message))

    def told(self, heard: list[Any]) -> list[Any]:
        """The events and payloads of messages, their refs left out."""
        text = json.dumps([[it[3], it[4]] for it in heard])

        def without_refs(value: dict[str, Any]) -> dict[str, Any]:
            return {name: it for name, it in value.items() if "phx_ref" not in name}

        told: list[Any] = json.loads(text, object_hook=without_refs)
        return told

    def test_life(self) -> None:
        """Coming, changing and going are told to all, and answered."""
        ann, bob = self.member("ann"), self.member("bob")
        came = ["presence_diff", {"joins": present(ann=1), "leaves": {}}]
        changed = [
            "presence_diff",
            {"joins": present(ann=2), "leaves": present(ann=1)},
        ]
        gone = ["presence_diff", {"joins": {}, "leaves": present(ann=2)}]
        for payload, event, diff in (
            ({"n": 1}, "track", came),
            ({"n": 2}, "TRACK", changed),
            ({}, "untrack", gone),
        ):
            heard = self.track(ann, payload, event)
            self.assertEqual(heard, [diff, ["phx_reply", OK]])
            self.assertEqual(self.told(bob.heard()), [diff])

    def test_unchanged(self) -> None:
        """The same again is answered, and told to nobody."""
        ann = self.member("ann")
        self.track(ann, {"n": 1})
        self.assertEqual(self.track(ann, {"n": 1}), [["phx_reply", OK]])

    def test_state(self) -> None:
        """Who joins is told who is there, if it wants it."""
        self.track(self.member("ann"), {"n": 1})
        talker = self.talker()
        self.join(talker, presence={"enabled": True})
        self.assertEqual(
            self.told(talker.heard()), [["presence_state", present(ann=1)]]
        )
        talker = self.talker()
        self.join(talker, presence={"enabled": False})
        self.assertEqual(talker.heard(), [])

    def test_tracks_unasked(self) -> None:
        """Who tracks without having asked is told who is there from then on."""
        self.track(self.member("ann"), {"n": 1})
        bob = self.joined(presence={"key": "bob"})
        heard = self.track(bob, {"n": 2})
        state = ["presence_state", present(ann=1, bob=2)]
        self.assertEqual(heard[1:], [["phx_reply", OK], state])

    def test_key(self) -> None:
        """Who gives no key has one of its own."""
        for key in ("", None):
            [diff, _] = self.track(self.joined(presence={"key": key}), {"n": 1})[:2]
            [given] = diff[1]["joins"]
            self.assertEqual(len(given), 36)

    def test_end(self) -> None:
        """A presence ends with its channel, however that ends."""
        for end in (
            self.memory.drop,
            lambda: self.memory.shut_down("room", "enough"),
        ):
            self.track(self.member("ann"), {"n": 1})
            end()
            self.memory.flush()
            self.assertEqual(self.memory.tenant.presences.list("public " + ROOM), {})

    def test_private(self) -> None:
        """Who is present in a private channel is not in the public one."""
        public = self.member("bob")
        self.track(self.member("ann", private=True), {"n": 1})
        self.assertEqual(public.heard(), [])

    def test_not_allowed(self) -> None:
        """Who may not write is answered so; who may not read is told nothing."""
        self.denied.update({"presence.write", "presence.read"})
        talker = self.talker()
        config: dict[str, Any] = {"private": True, "presence": {"enabled": True}}
        self.assertEqual(self.join(talker, **config)["status"], "ok")
        self.assertEqual(talker.heard(), [])
        [reply] = self.track(talker, {"n": 1})
        self.assertEqual(reply[1]["status"], "error")
        self.denied.discard("presence.write")
        self.assertEqual(self.track(talker, {"n": 1}), [["phx_reply", OK]])

    def test_odd(self) -> None:
        """Another event and a payload that is no object are errors; none is nothing."""
        talker = self.member("ann")
        [reply] = self.track(talker, {}, "dance")
        self.assertEqual(reply[1], {"status": "error", "response": {}})
        [reply] = self.track(talker, 7)
        reason = "Presence track payload must be a map"
        self.assertEqual(reply[1]["response"], {"reason": reason})
        heard = talker.say("1", "2", ROOM, "presence", {"type": "presence"})
        self.assertEqual(self.told(heard), [["phx_reply", OK]])

    def test_too_often(self) -> None:
        """Six pushes in thirty seconds are one too many; later it may again."""
        talker = self.member("ann")
        for n in range(5):
            self.track(talker, {"n": n})
        self.memory.advance(30.0)
        self.assertEqual(len(self.track(talker, {"n": 5})), 2)
        for n in range(6, 10):
            self.track(talker, {"n": n})
        heard = self.track(talker, {"n": 10})
        message = "Client presence rate limit exceeded"
        self.assertEqual(heard[0], ["system", self.system(message)])
        self.assertEqual(heard[1][0], "phx_close")

    def test_too_large(self) -> None:
        """A presence that is too large ends the channel."""
        self.project(max_payload_size=10)
        heard = self.track(self.member("ann"), {"text": "x" * 10})
        self.assertEqual(heard[0][1]["message"], "Track message size exceeded")
        self.assertEqual(heard[-1][0], "phx_close")


def present(**keys: int) -> dict[str, Any]:
    """Presences of one number each."""
    return {key: {"metas": [{"n": n}]} for key, n in keys.items()}


class ChangeTests(SupabaseCase):
    """What clients are told of the database."""

    def listener(self, *changes: dict[str, Any], **config: Any) -> Talker:
        """A client that listens."""
        bindings = [{"schema": "public", "event": "*", **it} for it in changes]
        return self.joined(postgres_changes=bindings, **config)

    def test_insert(self) -> None:
        """An insert has the row, its columns and its time, and names the bindings."""
        self.project(tables=TODOS)
        talker = self.listener({"table": "todos"}, {}, {"event": "DELETE"})
        self.assertEqual(self.memory.insert("public", "todos", {"id": 1}), 1)
        [message] = talker.heard()
        payload = message.pop()
        self.assertEqual(message, [None, None, ROOM, "postgres_changes"])
        self.assertEqual(
            payload["data"],
            {
                "schema": "public",
                "table": "todos",
                "type": "INSERT",
                "commit_timestamp": "1970-01-12T13:46:40.000Z",
                "columns": [
                    {"name": "id", "type": "int8"},
                    {"name": "title", "type": "text"},
                ],
                "record": {"id": 1},
                "errors": None,
            },
        )
        self.assertEqual(len(payload["ids"]), 2)

    def test_update_and_delete(self) -> None:
        """An update has the row and the old one, a delete the old one alone."""
        self.project()
        talker = self.listener({"table": "todos"})
        self.memory.update("public", "todos", {"id": 1}, {"id": 0})
        self.memory.update("public", "todos", {"id": 1})
        self.memory.delete("public", "todos", {"id": 1})
        data = [it[4]["data"] for it in talker.heard()]
        shown = [(it["type"], it.get("record"), it["old_record"]) for it in data]
        self.assertEqual(
            shown,
            [
                ("UPDATE", {"id": 1}, {"id": 0}),
                ("UPDATE", {"id": 1}, {}),
                ("DELETE", None, {"id": 1}),
            ],
        )

    def test_guessed_columns(self) -> None:
        """Without tables, a column's type is guessed of its value."""
        self.project()
        talker = self.listener({})
        row = {"a": True, "b": 1, "c": 1.5, "d": "x", "e": {}, "f": None}
        self.memory.insert("public", "t", row)
        columns = talker.heard()[0][4]["data"]["columns"]
        types = ["bool", "int8", "float8", "text", "jsonb", "jsonb"]
        self.assertEqual([it["type"] for it in columns], types)

    def test_columns(self) -> None:
        """Who wants some columns gets them alone, apart from who wants all."""
        self.project(tables=TODOS)
        talker = self.listener({"table": "todos", "select": ["title"]}, {})
        self.memory.update("public", "todos", {"id": 1, "title": "x"}, {"id": 1})
        some, every = (it[4] for it in talker.heard())
        self.assertEqual(some["data"]["record"], {"title": "x"})
        self.assertEqual(some["data"]["old_record"], {})
        self.assertEqual([it["name"] for it in some["data"]["columns"]], ["title"])
        self.assertEqual(every["data"]["record"], {"id": 1, "title": "x"})
        self.assertNotEqual(some["ids"], every["ids"])

    def test_errors(self) -> None:
        """What the database says of a change that may not be seen."""
        self.project()
        talker = self.listener({})
        self.memory.change("INSERT", "public", "t", errors=["Error 401"], record={})
        self.assertEqual(talker.heard()[0][4]["data"]["errors"], ["Error 401"])

    def test_subscribed(self) -> None:
        """The subscription is told after the join; changes before it are lost."""
        self.project(tables=TODOS)
        talker = self.talker()
        changes = [{"event": "*", "schema": "public", "table": "todos"}]
        self.join(talker, postgres_changes=changes)
        [message] = talker.heard()
        told = self.system(
            "Subscribed to PostgreSQL", "ok", extension="postgres_changes"
        )
        self.assertEqual(message, ["1", None, ROOM, "system", told])
        self.memory.fail_database("away")
        other = self.joined(postgres_changes=changes)
        self.assertEqual(self.memory.insert("public", "todos", {"id": 1}), 1)
        self.assertEqual(other.heard(), [])

    def test_refused(self) -> None:
        """What cannot be subscribed to is told, once, and the channel goes on."""
        self.project(tables=TODOS)
        for binding, text in (
            ({"schema": "public", "table": "none"}, "Please check Realtime is enabled"),
            ({"event": "*"}, "No subscription params provided"),
            ({"schema": "public", "table": "todos", "filter": "id"}, "Error parsing"),
        ):
            talker = self.talker()
            self.join(talker, postgres_changes=[binding])
            [message] = talker.heard()
            self.assertEqual(message[4]["status"], "error")
            self.assertIn(text, message[4]["message"])
            self.assertEqual(self.pass_time(talker, 60.0), [])
            self.assertEqual(len(self.memory.channels()), 1)
            self.memory.drop()

    def test_database_fault(self) -> None:
        """A database that is away is told of, and tried again after a while."""
        self.project(retry_delay=5.0)
        self.memory.fail_database("the database is away")
        talker = self.talker()
        self.join(talker, postgres_changes=[{"schema": "public"}])
        fault = self.system("the database is away", extension="postgres_changes")
        self.assertEqual([it[4] for it in talker.heard()], [fault])
        self.memory.advance(5.0)
        self.assertEqual([it[4] for it in talker.heard()], [fault])
        self.memory.fail_database(None)
        self.memory.advance(5.0)
        self.assertEqual(talker.heard()[0][4]["status"], "ok")

    def test_wait(self) -> None:
        """Who waits for the database is refused if it cannot be had in time."""
        self.project(tables=TODOS)
        wait: dict[str, Any] = {
            "postgres_changes_options": {"wait": True, "timeout": 2000}
        }
        changes = [{"schema": "public", "table": "todos"}]
        self.joined(postgres_changes=changes, **wait)
        reason = self.refused(postgres_changes=[{"schema": "x"}], **wait)
        self.assertTrue(reason.startswith("RealtimeDisabledForConfiguration: Unable"))
        self.memory.fail_database("away")
        talker = self.talker()
        config = {"postgres_changes": changes, **wait}
        talker.say("1", "1", ROOM, "phx_join", {"config": config})
        self.memory.advance(2.0)
        [reply] = talker.heard()
        self.assertEqual(
            reply[4]["response"]["reason"],
            "PostgresChangesSubscribeTimeout: Timed out after 2000ms waiting for the "
            "postgres_changes subscription",
        )

    def test_without_config(self) -> None:
        """Without a config it is as in 2021.

        The topic says what is wanted, and a change is an event of its own.
        """
        self.project()
        talker = self.talker()
        topic = "realtime:public:todos:id=gt.1"
        talker.say("1", "1", topic, "phx_join", {})
        self.assertEqual(self.memory.insert("public", "todos", {"id": 1}), 0)
        self.assertEqual(self.memory.insert("public", "todos", {"id": 2}), 1)
        [message] = talker.heard()
        self.assertEqual(message[:4], [None, None, topic, "INSERT"])
        self.assertEqual(message[4]["record"], {"id": 2})
