"""The URIs of the bridge: one for each topic and event, and read again as these."""

from __future__ import annotations

from autobahn.wamp import message
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.test.properties import checked
from txphoenix.wamp import event_uri, split_uri, topic_uri
from txphoenix.wamp.uris import URIs, check_prefix, escaped, unescaped

from .properties import given, st

# What is escaped, and what looks as if it had been, is among them often.
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(" .#%2Ee\t\n\x00\x7f\x85\u2028\ud83da:é", max_size=12),
    st.lists(st.sampled_from(["%", "%2E", "%2e", ".", "%25", "a", "\ufeff"])).map(
        "".join
    ),
)
PREFIXES = st.lists(
    st.text("abz09_-:%é", min_size=1, max_size=5), min_size=1, max_size=3
).map(".".join)


# What a channel can have as its topic.
TOPICS = TEXTS.filter(lambda text: text not in ("", "phoenix") and "\ud83d" not in text)


class EventURITests(SynchronousTestCase):
    """event_uri() and split_uri()."""

    def test_plain(self) -> None:
        """What WAMP allows stays as it is."""
        self.assertEqual(
            event_uri("phx", "rooms:lobby", "new_msg"), "phx.rooms:lobby.new_msg"
        )
        self.assertEqual(event_uri("org.x", "Ä/b", "c-d"), "org.x.Ä/b.c-d")

    def test_escaped(self) -> None:
        """White space, dots, hashes, percents and control characters are encoded."""
        for text, component in {
            "a.b": "a%2Eb",
            "a b": "a%20b",
            "#1": "%231",
            "50%": "50%25",
            "a\x00\x1f\x7f": "a%00%1F%7F",
            "\x85": "%C2%85",
            "\u2028": "%E2%80%A8",
            "": "%",
            "%": "%25",
            "\ud800": "%ED%A0%80",
        }.items():
            self.assertEqual(event_uri("phx", text, "e"), f"phx.{component}.e")
            self.assertEqual(event_uri("phx", "t", text), f"phx.t.{component}")
            self.assertEqual(split_uri("phx", f"phx.{component}.e"), (text, "e"))

    @given(prefix=PREFIXES, topic=TEXTS, event=TEXTS)
    @checked
    def test_there_and_back(self, prefix: str, topic: str, event: str) -> None:
        """Each pair has a URI of its own, from which it is read again."""
        if prefix.split(".", maxsplit=1)[0] == "wamp":
            return
        uri = event_uri(prefix, topic, event)
        self.assertEqual(split_uri(prefix, uri), (topic, event))
        self.assertEqual(uri.count("."), prefix.count(".") + 2)

    @given(topic=TEXTS, event=TEXTS)
    @checked
    def test_is_loose(self, topic: str, event: str) -> None:
        """Autobahn, and Crossbar with it, takes each of them by its loose rule."""
        uri = event_uri("phx", topic, event)
        checked = message.check_or_raise_uri(
            uri, strict=False, allow_empty_components=False, allow_none=False
        )
        self.assertEqual(checked, uri)
        uri.encode("utf-8")

    @given(component=TEXTS)
    @checked
    def test_one_component_one_text(self, component: str) -> None:
        """A component is read only where it is what its text is written as."""
        try:
            text = unescaped(component)
        except ConfigurationError:
            return
        self.assertEqual(escaped(text), component)

    def test_not_canonical(self) -> None:
        """What nothing is published under is refused, rather than read as another."""
        for component in ("a%2eb", "%41", "%2", "%zz", "%C2", "a b", "%ff", ""):
            uri = f"phx.{component}.e"
            error = self.assertRaises(ConfigurationError, split_uri, "phx", uri)
            self.assertIn("component", str(error))

    def test_other_uris(self) -> None:
        """What is no event's URI says what one is."""
        for uri in ("phx", "phx.", "phx.a", "phx.a.b.c", "phy.a.b", "phxx.a.b"):
            error = self.assertRaises(ConfigurationError, split_uri, "phx", uri)
            self.assertIn("phx.<topic>.<event>", str(error))

    def test_wrong_types(self) -> None:
        """What is no text is said to be none."""
        self.assertRaises(ConfigurationError, event_uri, "phx", 1, "e")
        self.assertRaises(ConfigurationError, event_uri, "phx", "t", None)
        self.assertRaises(ConfigurationError, split_uri, "phx", 7)
        self.assertRaises(ConfigurationError, topic_uri, "phx", b"t")
        self.assertRaises(ConfigurationError, check_prefix, 3)

    def test_prefixes(self) -> None:
        """A prefix is what WAMP takes, and not what is WAMP's own."""
        for prefix in ("phx", "org.example", "a-b:c"):
            self.assertEqual(check_prefix(prefix), prefix)
        for prefix in ("", ".", "a.", ".a", "a..b", "a b", "a#", "wamp", "wamp.x"):
            self.assertRaises(ConfigurationError, check_prefix, prefix)
            self.assertRaises(ConfigurationError, event_uri, prefix, "t", "e")
            self.assertRaises(ConfigurationError, topic_uri, prefix, "t")


class WantedTopicTests(SynchronousTestCase):
    """Which topic a subscription names."""

    uris = URIs("org.phx")

    def wanted(self, rest: str, match: str) -> str | None:
        """The topic of a subscription to what begins with the prefix."""
        return self.uris.wanted_topic(f"org.phx{rest}", match)

    def test_exact(self) -> None:
        """An event's URI names its topic, and nothing else that is exact does."""
        self.assertEqual(self.wanted(".rooms:1.new", "exact"), "rooms:1")
        self.assertEqual(self.wanted(".a.%", "exact"), "a")
        self.assertEqual(self.wanted(".a%2Eb.x", "exact"), "a.b")
        for rest in (".rooms:1", ".push", ".rooms:1.", ".a.b.c", "", ".", ".a%2eb.x"):
            self.assertIsNone(self.wanted(rest, "exact"), rest)

    def test_prefix(self) -> None:
        """Up to the next dot, or to the end."""
        for rest in (".rooms:1", ".rooms:1.", ".rooms:1.new"):
            self.assertEqual(self.wanted(rest, "prefix"), "rooms:1", rest)
        for rest in ("", ".", ".%2e.", "x.rooms:1"):
            self.assertIsNone(self.wanted(rest, "prefix"), rest)

    def test_wildcard(self) -> None:
        """The topic has to be there; the event need not."""
        self.assertEqual(self.wanted(".rooms:1.", "wildcard"), "rooms:1")
        self.assertEqual(self.wanted(".rooms:1.new", "wildcard"), "rooms:1")
        for rest in ("..new", "..", ".rooms:1", ".rooms:1..", ""):
            self.assertIsNone(self.wanted(rest, "wildcard"), rest)
        self.assertIsNone(self.uris.wanted_topic("org..rooms:1.new", "wildcard"))

    def test_not_joinable(self) -> None:
        """A topic that no channel can have is none: nobody is to try it for ever."""
        for topic in ("", "phoenix", "\ud800"):
            uri = self.uris.event(topic, "new")
            for match in ("exact", "prefix", "wildcard"):
                self.assertIsNone(self.uris.wanted_topic(uri, match), uri)

    def test_others(self) -> None:
        """What begins with another prefix, or the router's, names none."""
        for match in ("exact", "prefix", "wildcard"):
            for uri in ("org.phxx.a.b", "org.phy.a.b", "wamp.a.b", "org", ""):
                self.assertIsNone(self.uris.wanted_topic(uri, match))

    @given(topic=TOPICS, event=TEXTS)
    @checked
    def test_each_event(self, topic: str, event: str) -> None:
        """Whatever the topic, subscribing to its events names it."""
        uris = self.uris
        self.assertEqual(uris.wanted_topic(uris.event(topic, event), "exact"), topic)
        self.assertEqual(uris.wanted_topic(uris.interest(topic), "exact"), topic)
        self.assertEqual(
            uris.wanted_topic(f"org.phx.{escaped(topic)}.", "prefix"), topic
        )
        self.assertEqual(uris.lock(topic), f"org.phx.topic.{escaped(topic)}")
        self.assertEqual(topic_uri("org.phx", topic), uris.lock(topic))

    def test_as_published(self) -> None:
        """Both ways to make the URI of an event are one."""
        self.assertEqual(
            self.uris.event("a.b", "c d"), event_uri("org.phx", "a.b", "c d")
        )
