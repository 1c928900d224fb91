"""The server of the kit answers long-poll as the recorded Phoenix servers did.

Each recorded exchange is played against our server of that flavour, with the session's
real token in the place of the recorded one.
What is compared is the status, the headers, the body and how long the answer took.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from .http_wire import Answer, WireRequest, request
from .recorded_app import recorded_memory_server
from .recordings import RECORDINGS, Control, Exchange, Happening, Remark, recording

if TYPE_CHECKING:
    _TestCase = SynchronousTestCase
else:
    _TestCase = object

CUT_TOKEN = "SFMyNTY.g2gD..."
SHORT = "/shorttimeout/longpoll?vsn=2.0.0"
TEXT = {"content-type": "text/plain"}

IN_ORDER = (
    "new session",
    "publish a join (text/plain)",
    "poll",
    "publish three messages as ndjson",
    "ndjson binary (base64) whose reply is JSON",
    "publish to a topic not joined; an error join",
    "token in the x-phoenix-longpoll-token header instead (1.8.12)",
    "a poll that waits for a push 0.3 s later",
    "two polls at once",
    "malformed publish",
    "the session after it",
    "bad token: poll, publish; no token: publish",
    "refused connect",
    (
        "connect that raises is not tried by phoenix's own 'token' param on "
        "long-poll; other methods"
    ),
    "an empty window: /shorttimeout's long-poll has window_ms 1000",
    (
        "the session after 3.5 s with no poll (it ends past 1.5 windows, checked "
        "each 1.5 windows)"
    ),
    "kick",
    "channel crash and stop",
    "binary reply to a long-poll client",
    "auth token over long-poll (x-phoenix-authtoken)",
)
"""The titles of the exchanges, each of which is played."""

# What the recorder did without recording it, before some of the exchanges.
_UNRECORDED = {
    "kick": ("&user_id=lpk", []),
    "channel crash and stop": (
        "",
        [
            '["1","1","echo:c","phx_join",{}]',
            '["1","2","echo:c","crash",{}]',
            '["3","3","echo:c","phx_join",{}]',
            '["3","4","echo:c","stop",{}]',
        ],
    ),
    "binary reply to a long-poll client": ("", ['["1","1","echo:b","phx_join",{}]']),
}
# What was broadcast while a poll waited, and after how long.
_BROADCASTS = {
    "a poll that waits for a push 0.3 s later": (0.3, {"late": 1}),
    "two polls at once": (0.2, {"two": 1}),
}


class Player:
    """Plays the exchanges of one recording."""

    def __init__(self, test: SynchronousTestCase, flavour: str) -> None:
        self.test = test
        self.server = recorded_memory_server(flavour=flavour)
        self.token = ""
        self.title = ""
        self.kicked = ""

    def play(self, happenings: list[Happening]) -> None:
        """Play all there is."""
        recorded: list[Exchange] = []
        made: list[WireRequest] = []
        for happening in happenings:
            if isinstance(happening, Exchange):
                self.begin(happening.title)
                recorded.append(happening)
                made.append(self.ask(happening))
                began = self.server.clock.seconds()
                if len(made) < self.simultaneous:
                    continue
                self.happen_meanwhile()
                # The later of two polls is told, and the recorder shows it first.
                while made:
                    self.check(recorded.pop(0), made.pop(), began)
            elif isinstance(happening, Control):
                # It was done while the poll waited that is recorded after it.
                self.kicked = happening.query.partition("=")[2]
            else:
                self.test.assertIsInstance(happening, Remark)

    @property
    def simultaneous(self) -> int:
        """How many exchanges of this title go on at once."""
        return 2 if self.title == "two polls at once" else 1

    def begin(self, title: str) -> None:
        """Do what was done before the first exchange of a title."""
        if title == self.title:
            return
        self.title = title
        if title.startswith("the session after 3.5 s"):
            self.server.advance(3.5)
        if title in _UNRECORDED:
            query, frames = _UNRECORDED[title]
            opened = self.now("GET", SHORT + query)
            self.token = opened.json["token"]
            for frame in frames:
                self.now("POST", f"{SHORT}&token={self.token}", TEXT, frame)

    def now(self, *args: Any) -> Answer:
        """Make a request that is answered at once."""
        answer = request(self.server, *args).answer
        assert answer is not None
        return answer

    def ask(self, recorded: Exchange) -> WireRequest:
        """Make a recorded request."""
        headers = {
            name: value.replace(CUT_TOKEN, self.token)
            for name, value in recorded.headers.items()
        }
        url = recorded.url.replace(CUT_TOKEN, self.token)
        return request(self.server, recorded.method, url, headers, recorded.body)

    def happen_meanwhile(self) -> None:
        """Do what was done while a request waited."""
        if self.kicked:
            self.server.kick(f"user_socket:{self.kicked}")
            self.kicked = ""
        if self.title in _BROADCASTS:
            delay, payload = _BROADCASTS[self.title]
            self.server.advance(delay)
            self.server.broadcast("echo:lp", "shout", payload)

    def check(self, recorded: Exchange, made: WireRequest, began: float) -> None:
        """Wait for an answer, and compare it with the recorded one."""
        test, where = self.test, f"{self.title}: {recorded.method} {recorded.url}"
        self.server.wait_for(lambda: made.answer)
        answer = made.answer
        assert answer is not None
        took = self.server.clock.seconds() - began
        test.assertLess(abs(took - recorded.duration), 0.05, where)
        test.assertEqual(answer.status, recorded.status, where)
        test.assertEqual(
            _headers(answer.headers), _headers(recorded.answer_headers), where
        )
        self.compare(answer.body, recorded.answer)
        if '"status":410' in answer.body and '"token"' in answer.body:
            self.token = answer.json["token"]

    def compare(self, ours: str, recorded: str) -> None:
        """Compare two bodies."""
        cut, dots, _ = recorded.partition(" ...[")
        if not dots:
            self.test.assertEqual(_body(ours, self.token), _body(recorded, None))
            return
        self.test.assertEqual(_as_phoenix_writes(ours)[: len(cut)], cut)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """What of some headers is the same in every run."""
    kept = dict(headers)
    kept.pop("date", None)
    if kept["content-length"] != "0":
        kept["content-length"] = "some"
    kept.pop("connection", None)
    return kept


def _body(body: str, token: str | None) -> Any:
    """A body with its messages parsed and its token replaced."""
    if not body:
        return body
    value = json.loads(body)
    if "token" in value:
        value["token"] = "a token"
    value["messages"] = [_message(it) for it in value.get("messages", [])]
    return value


def _message(message: str) -> Any:
    return json.loads(message) if message.startswith("[") else message


def _as_phoenix_writes(body: str) -> str:
    """A body whose objects have Phoenix's order of keys, inside its messages too."""
    value = json.loads(body)
    value["messages"] = [_sorted(_message(it)) for it in value["messages"]]
    return _sorted(value)


def _sorted(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


class PlayedLongPoll(_TestCase):
    """The exchanges of one recording, to be mixed with a test case for each."""

    flavour: ClassVar[str]

    def test_exchanges(self) -> None:
        """Each exchange has the recorded answer, after the recorded time."""
        player = Player(self, self.flavour)
        player.play(recording(self.flavour).section("long-poll").happenings)
        player.server.stop(drain=False)
        player.server.flush()
        self.assertEqual(player.server.clock.getDelayedCalls(), [])
        self.assertEqual(player.server.pairs, [])


class Bandit18Tests(PlayedLongPoll, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(PlayedLongPoll, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(PlayedLongPoll, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"


class CompletenessTests(SynchronousTestCase):
    """No recorded exchange is passed over."""

    def test_every_exchange(self) -> None:
        """Each title is one that is known here, and comes in the known order."""
        for flavour in RECORDINGS:
            happenings = recording(flavour).section("long-poll").happenings
            titles = [it.title for it in happenings if isinstance(it, Exchange)]
            found = list(dict.fromkeys(titles))
            expected = [title for title in IN_ORDER if title in found]
            self.assertEqual(found, expected)
            missing = set(IN_ORDER) - set(found)
            without_auth = {IN_ORDER[-1]} if flavour == "1.7-bandit" else set()
            self.assertEqual(missing, without_auth)
