"""Tests of :mod:`txphoenix.supabase.testing`: connections, joins, tokens and limits."""

from __future__ import annotations

from typing import Any

from txphoenix.testing import Socket

from .supabase_wire import TODOS, SupabaseCase

UNREADABLE = "You do not have permissions to read from this Channel topic: room"
EXPIRED = "Token has expired 0 seconds ago"
CLOSE = ["1", "1", "realtime:room", "phx_close", {}]


class ConnectTests(SupabaseCase):
    """A connection is by a key, which is a token or stands for one."""

    def setUp(self) -> None:
        """A project."""
        super().setUp()
        self.project()

    def test_keys(self) -> None:
        """The publishable key, the legacy one and any token of the project connect."""
        for key in (None, self.memory.anon_key, self.memory.token(sub="ann")):
            self.assertIn(b"101", self.talker(key=key).head)
        self.assertEqual(len(self.memory.connections), 3)

    def test_refused(self) -> None:
        """Another key, one that has expired, and none at all are HTTP 403."""
        for key in ("nonsense", self.memory.token(expires_in=-1), ""):
            self.assertIn(b"403", self.talker(key=key).head)
        self.assertEqual(self.memory.connections, [])

    def test_header(self) -> None:
        """The key may come by the header ``x-api-key``."""
        headers = {"x-api-key": self.memory.anon_key}
        socket = Socket(
            params={},
            headers=headers,
            uri="http://127.0.0.1/",
            peer=("", 0),
            transport="websocket",
            serializer="",
        )
        self.memory.tenant.connect({}, socket)
        self.assertEqual(socket.assigns["token"], self.memory.anon_key)

    def test_heartbeat(self) -> None:
        """A heartbeat is answered as by any Phoenix."""
        heard = self.talker().say(None, "7", "phoenix", "heartbeat", {})
        reply = {"status": "ok", "response": {}}
        self.assertEqual(heard, [[None, "7", "phoenix", "phx_reply", reply]])

    def test_urls(self) -> None:
        """The project's URL is the one that clients make the others of."""
        self.assertEqual(
            self.memory.url, f"ws{self.memory.project_url[4:]}/realtime/v1"
        )


class JoinTests(SupabaseCase):
    """Who may join, and what is answered."""

    def test_reply(self) -> None:
        """The reply has the bindings as they were written, each with an id.

        The id is the same in each channel, and another for another binding.
        """
        self.project()
        first = {
            "event": "*",
            "schema": "public",
            "table": "todos",
            "filter": "id=gt.1",
        }
        second = {"event": "INSERT", "schema": "public"}
        one = self.join(self.talker(), postgres_changes=[first, second])
        two = self.join(self.talker(), "realtime:other", postgres_changes=[second])
        bindings = one["response"]["postgres_changes"]
        ids = [binding.pop("id") for binding in bindings]
        self.assertEqual(bindings, [first, second])
        self.assertNotEqual(ids[0], ids[1])
        self.assertEqual(two["response"]["postgres_changes"][0]["id"], ids[1])

    def test_altered_bindings(self) -> None:
        """The bindings of the reply can be turned round, or left out."""
        self.project()
        bindings = [{"event": "*", "schema": name} for name in ("a", "b")]
        for alter, expected in (
            (lambda it: it[::-1], ["b", "a"]),
            (None, ["a", "b"]),
        ):
            self.memory.alter_bindings(alter)
            answer = self.join(self.talker(), postgres_changes=bindings)
            told = answer["response"]["postgres_changes"]
            self.assertEqual([it["schema"] for it in told], expected)
        self.memory.alter_bindings(lambda it: None)
        answer = self.join(self.talker(), postgres_changes=bindings)
        self.assertEqual(answer["response"], {})

    def test_refusals(self) -> None:
        """A topic without a name, and a public one where all are private."""
        self.project(private_only=True)
        self.assertEqual(
            self.refused("realtime:"),
            "TopicNameRequired: You must provide a topic name",
        )
        self.assertEqual(
            self.refused(), "PrivateOnly: This project only allows private channels"
        )
        self.joined(private=True)

    def test_other_topics(self) -> None:
        """A topic that does not begin with ``realtime:`` is unknown."""
        self.project()
        heard = self.talker().join("room")
        self.assertEqual(heard["response"], {"reason": "unmatched topic"})

    def test_tokens(self) -> None:
        """A token that is bad is refused, with the server's code and text."""
        self.project()
        for token, reason in (
            ("a.b", "MalformedJWT: The token provided is not a valid JWT"),
            (
                self.memory.token(expires_in=-9),
                "InvalidJWTToken: Token has expired 9 seconds ago",
            ),
            (
                self.memory.token(exp=None),
                "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
            ),
            (
                self.memory.token() + "x",
                "JwtSignatureError: Failed to validate JWT signature",
            ),
        ):
            self.assertEqual(self.refused(token=token), reason)

    def test_whose_token(self) -> None:
        """Without a token, or with a key for one, it is the connection's."""
        self.project()
        for token in (None, self.memory.publishable_key):
            self.joined(token=token)
            [channel] = self.memory.channels("realtime:room")[-1:]
            self.assertEqual(self.claims(channel)["role"], "anon")
        self.joined(token=self.memory.token(sub="ann"))
        [channel] = self.memory.channels("realtime:room")[-1:]
        self.assertEqual(self.claims(channel)["sub"], "ann")

    def claims(self, channel: Any) -> Any:
        """What a channel's token says."""
        return channel.claims

    def test_policy(self) -> None:
        """Who may read neither broadcasts nor presences is refused, if it is private.

        The policy is asked with the claims, the topic and the action.
        """
        asked = []

        def policy(claims: Any, topic: str, action: str) -> bool:
            asked.append((claims["role"], topic, action))
            return False

        self.project(policy=policy)
        self.assertEqual(self.refused(private=True), f"Unauthorized: {UNREADABLE}")
        self.assertEqual(
            asked,
            [("anon", "room", "broadcast.read"), ("anon", "room", "presence.read")],
        )
        self.joined(private=False)

    def test_half_a_policy(self) -> None:
        """Who may read one of the two may join."""
        self.project(policy=lambda claims, topic, action: action == "presence.read")
        self.joined(private=True)

    def test_delay(self) -> None:
        """The reply to a refused join can be late, as the server's is."""
        self.project(private_only=True, error_delay=5.0)
        talker = self.talker()
        self.assertEqual(
            talker.say("1", "1", "realtime:room", "phx_join", {"config": {}}), []
        )
        self.memory.advance(4.9)
        self.assertEqual(talker.heard(), [])
        self.memory.advance(0.1)
        self.assertEqual(talker.heard()[0][4]["status"], "error")

    def test_system(self) -> None:
        """Any ``system`` message can be had of the server; others do not get it."""
        self.project()
        talker, other = self.joined(), self.joined("realtime:other")
        self.assertEqual(self.memory.system("room", "hello", "ok"), 1)
        told = self.system("hello", "ok")
        self.assertEqual(talker.heard(), [["1", None, "realtime:room", "system", told]])
        self.assertEqual(other.heard(), [])

    def test_unknown_events(self) -> None:
        """What the server does not know it does not answer."""
        self.project()
        self.assertEqual(self.joined().say("1", "2", "realtime:room", "huh", {}), [])


class LimitTests(SupabaseCase):
    """The limits of a project."""

    def test_channels(self) -> None:
        """More channels on a connection than allowed are refused."""
        self.project(max_channels_per_client=2)
        talker = self.talker()
        statuses = [
            self.join(talker, f"realtime:{name}", ref=name)["status"] for name in "123"
        ]
        self.assertEqual(statuses, ["ok", "ok", "error"])
        answer = self.join(talker, "realtime:4", ref="4")
        reason = "ChannelRateLimitReached: Too many channels"
        self.assertEqual(answer["response"]["reason"], reason)

    def test_users(self) -> None:
        """More connections with channels than allowed are refused."""
        self.project(max_concurrent_users=1)
        talker = self.talker()
        self.join(talker)
        self.assertEqual(
            self.refused("realtime:other"),
            "ConnectionRateLimitReached: Too many connected users",
        )
        answer = self.join(talker, "realtime:other", ref="2")
        self.assertEqual(answer["status"], "ok")

    def test_joins(self) -> None:
        """Who joins too often is told, and loses the connection; later it may again."""
        self.project(max_joins_per_second=2)
        for name in "12":
            self.joined(f"realtime:{name}")
        talker = self.talker()
        answer = self.join(talker)
        reason = "ClientJoinRateLimitReached: Too many joins per second"
        self.assertEqual(answer["response"]["reason"], reason)
        self.assertEqual(talker.heard(), [1001])
        self.memory.advance(1.0)
        self.joined()

    def test_shut_down(self) -> None:
        """A channel is ended with an error of the system, then closed."""
        self.project()
        talker = self.joined()
        self.assertEqual(self.memory.shut_down("room", "enough"), 1)
        self.assertEqual(
            talker.heard(),
            [["1", None, "realtime:room", "system", self.system("enough")], CLOSE],
        )


class TokenTests(SupabaseCase):
    """A joined channel's token: told anew, and run out."""

    def setUp(self) -> None:
        """A project."""
        super().setUp()
        self.denied: set[str] = set()
        self.project(
            tables=TODOS,
            policy=lambda claims, topic, action: action not in self.denied,
        )

    def refresh(self, talker: Any, token: Any) -> list[Any]:
        """Push a token; the events, and texts of the system, that come."""
        payload = {"access_token": token}
        heard = talker.say("1", "2", "realtime:room", "access_token", payload)
        return [it[4].get("message", it[3]) for it in heard]

    def test_expiry(self) -> None:
        """The channel is ended once the token's time is over, and not before."""
        talker = self.joined(token=self.memory.token(expires_in=60))
        self.assertEqual(self.pass_time(talker, 59.0), [])
        self.memory.advance(1.0)
        system = ["1", None, "realtime:room", "system", self.system(EXPIRED)]
        self.assertEqual(talker.heard(), [system, CLOSE])

    def test_long_token(self) -> None:
        """A token of more than an hour, after which it is looked at, ends as well."""
        talker = self.joined(token=self.memory.token(expires_in=4000))
        self.assertEqual(self.pass_time(talker, 3990.0), [])
        self.assertEqual(self.pass_time(talker, 10.0)[1], CLOSE)

    def test_expire(self) -> None:
        """A token can be made to expire, and is then refused at a join as well."""
        token = self.memory.token()
        talker = self.joined(token=token)
        self.assertEqual(self.memory.expire("room"), 1)
        self.assertEqual(talker.heard()[1], CLOSE)
        self.assertEqual(self.refused(token=token), f"InvalidJWTToken: {EXPIRED}")
        self.joined(token=self.memory.token(sub="another"))

    def test_refresh(self) -> None:
        """A new token puts the end off; it is not answered."""
        talker = self.joined(token=self.memory.token(expires_in=60))
        token = self.memory.token(expires_in=600, sub="ann")
        self.assertEqual(self.refresh(talker, token), [])
        self.assertEqual(self.pass_time(talker, 590.0), [])
        self.assertEqual(self.pass_time(talker, 10.0)[1], CLOSE)

    def test_resubscribed(self) -> None:
        """With a new token the database is subscribed to anew, a second later."""
        changes = [{"event": "*", "schema": "public", "table": "todos"}]
        talker = self.joined(postgres_changes=changes, token=self.memory.token())
        self.assertEqual(self.refresh(talker, self.memory.token(sub="ann")), [])
        self.memory.advance(1.0)
        [message] = talker.heard()
        self.assertEqual(message[4]["message"], "Subscribed to PostgreSQL")

    def test_ignored(self) -> None:
        """A key, nothing, the same token and what is no text change nothing."""
        token = self.memory.token()
        talker = self.joined(token=token)
        for other in ("sb_secret_x", None, token, 7):
            self.assertEqual(self.refresh(talker, other), [])
        self.assertEqual(len(self.memory.channels()), 1)

    def test_bad(self) -> None:
        """A bad token ends the channel, with a text for each fault."""
        for token, message in (
            ("x", "The token provided is not a valid JWT"),
            (self.memory.token() + "x", ":signature_error"),
            (self.memory.token(expires_in=-3), "Token has expired 3 seconds ago"),
        ):
            heard = self.refresh(self.joined(), token)
            self.assertEqual(heard, [message, "phx_close"])

    def test_revoked(self) -> None:
        """Who may read less with the new token than before loses the channel."""
        for denied, message in (
            (
                {"broadcast.read"},
                "You no longer have permission to read from this Channel topic: room",
            ),
            ({"broadcast.read", "presence.read"}, UNREADABLE),
        ):
            self.denied.clear()
            talker = self.joined(private=True)
            self.denied.update(denied)
            heard = self.refresh(talker, self.memory.token())
            self.assertEqual(heard, [message, "phx_close"])
