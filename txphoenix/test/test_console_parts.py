"""The parts of the console: what is read, completed, kept and shown."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from unittest import SkipTest

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient
from txphoenix.cli.console_commands import COMMANDS, Call, WrongCall, read_call
from txphoenix.cli.json_text import WrongJSON, read_json
from txphoenix.cli.note_stream import NoteStream
from txphoenix.cli.output import Terminal
from txphoenix.test.cli_program import Stream
from txphoenix.test.prompt_case import NOT_THERE

if NOT_THERE is None:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from txphoenix.cli.prompt import validation
    from txphoenix.cli.prompt.completion import MOST, CallCompleter, Seen
    from txphoenix.cli.prompt.history import (
        KEPT,
        MOST_BYTES,
        LineHistory,
        history_path,
        seems_secret,
    )
    from txphoenix.cli.prompt.status_line import status_line
    from txphoenix.cli.prompt.validation import is_cut_short, read_calls


class ReadTests(SynchronousTestCase):
    """A line, and what it calls."""

    def test_calls(self) -> None:
        """Words and JSON are told apart by the command's own words."""
        push, join = COMMANDS["push"], COMMANDS["join"]
        for line, expected in (
            ("", None),
            ("  # join a", None),
            ("join a", Call(join, (), ("a",), None, False)),
            ("/join a null", Call(join, (), ("a",), None, True)),
            (" join  a  [1, 2] ", Call(join, (), ("a",), [1, 2], True)),
            ("push a b", Call(push, (), ("a", "b"), None, False)),
            (
                'push --no-reply a b {"c":\n1}',
                Call(push, ("--no-reply",), ("a", "b"), {"c": 1}, True),
            ),
        ):
            self.assertEqual(read_call(line), expected, line)

    def test_places(self) -> None:
        """An error has the place in the line, and in lines its line and column."""
        for line, at, said in (
            ("push a b [1,,2]", 12, "at column 13"),
            ('push a b {\n"c" 1}', 15, "at line 2, column 5"),
            ("push a b NaN", 9, "expected JSON: NaN is no number of JSON"),
            ("push a", 6, "expected: push"),
            ("ping now", 5, "expected: ping"),
            ('push a \u00e9 "\udcff"', 10, "it is not UTF-8 at byte 12"),
            ("join \udcff", 5, "it is not UTF-8 at byte 6"),
        ):
            error = self.assertRaises(WrongCall, read_call, line)
            self.assertEqual(error.at, at, line)
            self.assertIn(said, str(error))

    def test_cut_short(self) -> None:
        """JSON that only lacks its end is told from what is wrong already."""
        for text in ("{", "[1,", '{"a"', '{"a":', '{"a": [1', '{"a": {}', '["a", '):
            error = self.assertRaises(WrongJSON, read_json, text)
            self.assertTrue(error.is_cut_short, text)
        for text in (
            "",
            '"a',
            '["a',
            "[1 2",
            "{1",
            "tru",
            "[1] [",
            "NaN",
            "[" * 200_000,
        ):
            error = self.assertRaises(WrongJSON, read_json, text)
            self.assertFalse(error.is_cut_short, text[:20])


class NoteTests(SynchronousTestCase):
    """Standard error, while something draws on the terminal."""

    def test_diverted(self) -> None:
        """Lines are given whole, and what is left of one is written in the end."""
        stream = Stream(is_terminal=True)
        notes = NoteStream(stream)
        terminal = Terminal(io.StringIO(), Stream(), notes, {})
        taken: list[str] = []
        terminal.tell("before")
        with terminal.diverted(taken.append):
            terminal.tell("while")
            notes.write("a\nb\nc")
            notes.write("d\ne")
        terminal.tell("after")
        self.assertEqual(taken, ["txphoenix: while", "a", "b", "cd"])
        self.assertEqual(stream.output.text, "txphoenix: before\netxphoenix: after\n")

    def test_elsewhere(self) -> None:
        """What goes to a file still does."""
        stream = Stream()
        terminal = Terminal(io.StringIO(), Stream(), NoteStream(stream), {})
        with terminal.diverted(self.fail):
            terminal.tell("a")
        self.assertEqual(stream.output.text, "txphoenix: a\n")


class PromptParts(SynchronousTestCase):
    """What :mod:`txphoenix.cli.prompt` is made of."""

    def setUp(self) -> None:
        """Do without it where it is not."""
        if NOT_THERE is not None:
            raise SkipTest(NOT_THERE)


class CompletionTests(PromptParts):
    """What TAB offers."""

    def offers(self, seen: Seen, text: str, *joined: str) -> list[str]:
        """The words that are offered behind this text, without the space behind."""
        completer = CallCompleter(seen, lambda: joined)
        event = CompleteEvent(completion_requested=True)
        offered = [
            completion.text
            for completion in completer.get_completions(Document(text), event)
        ]
        self.assertTrue(all(word.endswith(" ") for word in offered))
        return [word.removesuffix(" ") for word in offered]

    def test_space_is_there(self) -> None:
        """A word that a space follows already gets no other."""
        completer = CallCompleter(Seen(), tuple)
        event = CompleteEvent(completion_requested=True)
        document = Document("jo rooms:lobby", 2)
        (offer,) = completer.get_completions(document, event)
        self.assertEqual(offer.text, "join")

    def test_by_place(self) -> None:
        """Each place has its words, the latest first."""
        seen = Seen()
        for topic, event in (("a", "x"), ("a", "y"), ("b", None), ("a", "x")):
            seen.add(topic, event)
        for text, expected in (
            ("", [*COMMANDS]),
            ("/p", ["/push", "/ping"]),
            ("help p", ["push", "ping"]),
            ("join ", ["b"]),
            ("leave ", ["a"]),
            ("push -", []),
            ("push --", ["--no-reply"]),
            ("push ", ["a"]),
            ("push --no-reply a ", ["x", "y"]),
            ("push a x ", []),
            ("push a x {", []),
            ("join a ", []),
            ("nonsense ", []),
            ("state ", []),
        ):
            self.assertEqual(self.offers(seen, text, "a"), expected, text)

    def test_not_typeable(self) -> None:
        """What would drive the terminal, or is no single word, is not offered."""
        seen = Seen()
        for event in ("ok", "a b", "\x1b[2J", "\x9b31m", "\u202eevil", "a\nb", ""):
            seen.add("a", event)
        self.assertEqual(self.offers(seen, "push a ", "a"), ["ok"])

    def test_bounded(self) -> None:
        """A server that makes up events is forgotten, but for the latest."""
        seen = Seen()
        for number in range(3 * MOST):
            seen.add("a", f"e{number}")
            seen.add(f"t{number}")
        self.assertEqual(len(seen.topics), MOST)
        seen.add("a", "last")
        for number in range(MOST - 1):
            seen.add("a", f"f{number}")
        self.assertEqual([*seen.topics["a"]][:2], ["last", "f0"])
        self.assertEqual(len(seen.topics["a"]), MOST)
        seen.add("a", "x" * 100_000)
        self.assertEqual([*seen.topics["a"]][-1], f"f{MOST - 2}")

    def test_lines(self) -> None:
        """Lines of runs before tell of topics and events, whatever else is in them."""
        seen = Seen()
        for line in ("join a", "push b e {}", "help push", "push", "nonsense", "#"):
            seen.add_line(line)
        self.assertEqual(seen.topics, {"a": {}, "b": {"e": None}})


class HistoryTests(PromptParts):
    """What is kept."""

    def setUp(self) -> None:
        """Have a file of our own."""
        super().setUp()
        self.path = Path(self.mktemp()) / "deep" / "history"
        self.told: list[str] = []

    def history(self) -> LineHistory:
        """That of another run."""
        return LineHistory(self.path, self.told.append)

    def test_path(self) -> None:
        """It is where the XDG Base Directory Specification has such files."""
        end = Path("txphoenix", "console_history")
        home = Path.home() / ".local" / "state" / end
        for environ, expected in (
            ({}, home),
            ({"XDG_STATE_HOME": ""}, home),
            ({"XDG_STATE_HOME": "relative"}, home),
            ({"XDG_STATE_HOME": "/a/b"}, Path("/a/b") / end),
        ):
            self.assertEqual(history_path(environ), expected)

    def test_lines(self) -> None:
        """What was typed comes back, lines of JSON as one."""
        lines = ["join a", 'push a b {\n"c": "\u00e9\\u001b"}', "quit"]
        for line in lines:
            self.history().append_string(line)
        self.assertEqual([*self.history().load_history_strings()], lines[::-1])
        self.assertEqual(self.told, [])

    def test_mode(self) -> None:
        """A file that others may read is not left so."""
        self.history().append_string("a")
        self.path.chmod(0o644)
        self.history().append_string("b")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_secrets(self) -> None:
        """What seems to be a secret is not written, at any depth."""
        jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
        for line in (
            'join a {"token": "x"}',
            'join a {"user": {"API_Key": "x"}}',
            'join a {"userPassword" : "x"}',
            'join a {"client_secret": 1}',
            'join a {"pass": "x"}',
            f"push a b {json.dumps(jwt)}",
        ):
            self.assertTrue(seems_secret(line), line)
            self.history().append_string(line)
        self.assertFalse(self.path.exists())
        for line in ('join tokens {"user_id": "ann"}', 'push a b {"body": "a token"}'):
            self.assertFalse(seems_secret(line), line)

    def test_bounded(self) -> None:
        """It is cut where it is twice as long as it needs to be, and stays private."""
        self.history().append_string("first")
        lines = "".join(f'"{number}"\n' for number in range(2 * KEPT))
        self.path.write_text(self.path.read_text("utf-8") + lines, "utf-8")
        kept = [*self.history().load_history_strings()]
        self.assertEqual((len(kept), kept[0]), (KEPT, str(2 * KEPT - 1)))
        self.assertEqual(len(self.path.read_text("utf-8").splitlines()), KEPT)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.path.parent), ["history"])

    def test_large(self) -> None:
        """Of a large file no more is read than its end, and the rest of it goes."""
        self.path.parent.mkdir(parents=True)
        line = json.dumps("x" * 100_000) + "\n"
        self.path.write_text(line * 20 + '"a"\n', "utf-8")
        kept = [*self.history().load_history_strings()]
        self.assertEqual((kept[0], len(kept)), ("a", 1 + MOST_BYTES // len(line)))
        self.assertLessEqual(self.path.stat().st_size, MOST_BYTES)
        self.assertEqual([*self.history().load_history_strings()], kept)
        self.assertEqual(self.told, [])

    def test_cannot_be_cut(self) -> None:
        """On a full disk the lines are there all the same, and no draft is left."""
        self.path.parent.mkdir(parents=True)
        self.path.write_text('"x"\n' * (2 * KEPT + 1), "utf-8")

        def fill(*_arguments: object) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fchmod", fill)
        self.assertEqual(len([*self.history().load_history_strings()]), KEPT)
        self.assertEqual(os.listdir(self.path.parent), ["history"])
        self.assertEqual(len(self.path.read_text("utf-8").splitlines()), 2 * KEPT + 1)

    def test_link(self) -> None:
        """Where it is a link, that is left, and what it leads to is cut."""
        self.path.parent.mkdir(parents=True)
        file = Path(self.mktemp()).absolute()
        file.write_text('"x"\n' * (2 * KEPT + 1), "utf-8")
        self.path.symlink_to(file)
        self.assertEqual(len([*self.history().load_history_strings()]), KEPT)
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(len(file.read_text("utf-8").splitlines()), KEPT)

    def test_line_cut_short(self) -> None:
        """A last line that has no end is lost alone, if it is."""
        self.path.parent.mkdir(parents=True)
        for cut_short, kept in (('"a"', ["b", "a"]), ('"a', ["b"]), ("", ["b"])):
            self.path.write_text(cut_short, "utf-8")
            self.history().append_string("b")
            self.assertEqual([*self.history().load_history_strings()], kept)

    def test_not_ours(self) -> None:
        """What is no line of ours is passed over."""
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(b'"a"\n\xff\xfe\n{}\n' + b"[" * 100_000 + b'\n"b"\n""\n')
        self.assertEqual([*self.history().load_history_strings()], ["b", "a"])

    def test_no_file(self) -> None:
        """What is no file is not waited for, and told of once."""
        self.path.parent.mkdir(parents=True)
        os.mkfifo(self.path)
        history = self.history()
        self.assertEqual([*history.load_history_strings()], [])
        history.append_string("a")
        history.append_string("b")
        self.assertEqual(
            self.told, ["what is typed is not kept: it is no regular file"]
        )
        self.assertEqual(history.get_strings(), ["a", "b"])

    def test_homeless(self) -> None:
        """A user without a home has the history of this run."""
        history = LineHistory(None, self.told.append)
        history.append_string("a")
        self.assertEqual([*history.load_history_strings()], [])
        self.assertEqual((history.get_strings(), self.told), (["a"], []))


class TypedTests(PromptParts):
    """What was typed or pasted."""

    def test_several(self) -> None:
        """Each command of several lines is found, with how it was written."""
        text = 'join a\n\n# note\npush a b {"c":\n [1,\n2]}\nping'
        found = [(line, call.command.name) for line, call in read_calls(text)]
        self.assertEqual(
            found,
            [
                ("join a", "join"),
                ('push a b {"c":\n [1,\n2]}', "push"),
                ("ping", "ping"),
            ],
        )

    def test_many_lines(self) -> None:
        """JSON of many lines is read a few times, and not once for each of them."""
        value = [{"number": number} for number in range(1000)]
        text = f"push a b {json.dumps(value, indent=1)}\nping"
        given: list[int] = []

        def read(line: str) -> Call | None:
            given.append(len(line))
            return read_call(line)

        self.patch(validation, "read_call", read)
        (_, push), (_, ping) = read_calls(text)
        self.assertEqual((push.json, ping.command.name), (value, "ping"))
        self.assertLess(sum(given), 3 * len(text))

    def test_other_ends(self) -> None:
        """What ends a line for Unicode may be in a string, and ends no command."""
        for character in "\u2028\u2029\x85":
            ((_, call),) = read_calls(f'push a b "x{character}y"')
            self.assertEqual(call.json, f"x{character}y")

    def test_place(self) -> None:
        """An error has its place in the whole of it."""
        error = self.assertRaises(WrongCall, read_calls, "ping\npsuh a\nping")
        self.assertEqual((error.at, error.is_cut_short), (5, False))
        for text, at in (
            ('push a b {"c":\n1} x\nping', 18),
            ("push a b {\n}\npsuh a", 13),
            ("push a b [\n,]\nping", 11),
        ):
            error = self.assertRaises(WrongCall, read_calls, text)
            self.assertEqual((error.at, error.is_cut_short), (at, False), text)

    def test_cut_short(self) -> None:
        """It goes on where the last of it lacks its end."""
        for text, expected in (
            ("push a b {", True),
            ("ping\npush a b [1,", True),
            ("push a b {}", False),
            ("push a b {\nping", False),
            ("push a b {,", False),
            ("push a", False),
        ):
            self.assertEqual(is_cut_short(text), expected, text)


class StatusTests(PromptParts):
    """The bottom line."""

    def test_texts(self) -> None:
        """It tells the topic used last, or another, and cuts what is long."""
        client = SocketClient(
            "ws://localhost:1/socket?token=x", reactor=MemoryReactorClock()
        )

        def text(topic: str | None, outstanding: int = 0) -> str:
            return "".join(part[1] for part in status_line(client, topic, outstanding))

        url = "ws://localhost:1/socket?token=[redacted]"
        self.assertEqual(text(None), f" disconnected | no topic | {url} ")
        self.assertEqual(
            text("gone", 1), f" disconnected | no topic | 1 push outstanding | {url} "
        )
        client.startService()
        self.addCleanup(client.stopService)
        for topic in ("a", "\x1b[2J" + "x" * 100):
            client.channel(topic).join().addErrback(lambda _: None)
        shown = "\\x1b[2J" + "x" * 33 + "... (104 characters)"
        self.assertIn(f"| {shown} joining and 1 more |", text("gone"))
        self.assertIn("| a joining and 1 more | 2 pushes outstanding |", text("a", 2))
