"""The command ``console`` at a terminal: :mod:`txphoenix.cli.prompt`.

It runs in a process of its own, at a pseudo-terminal, and a test sees the screen.
"""

from __future__ import annotations

import stat
from itertools import pairwise
from pathlib import Path

from txphoenix.test.prompt_case import PromptCase


class TypingTests(PromptCase):
    """What is typed, and what comes meanwhile."""

    async def test_commands(self) -> None:
        """Each is shown as it was typed, and below it what comes of it."""
        server, console = await self.started()
        console.enter('join rooms:a {"b": 1}')
        await console.see("ok rooms:a {}")
        console.enter('push rooms:a e {"c": 2}')
        await console.see('ok rooms:a e {"c": 2}')
        console.enter("/leave rooms:a")
        await console.see("rooms:a left")
        await console.see_line(">")
        self.assertEqual(
            console.lines[1:-2],
            [
                f"connected to {server.url}",
                '> join rooms:a {"b": 1}',
                "joined rooms:a",
                "ok rooms:a {}",
                '> push rooms:a e {"c": 2}',
                'ok rooms:a e {"c": 2}',
                "> /leave rooms:a",
                "rooms:a left",
            ],
        )
        await self.leave(console)

    async def test_help(self) -> None:
        """``/help`` has a line for each command, and ``/help push`` tells more."""
        _, console = await self.started()
        console.enter("/help")
        await console.see("join TOPIC [JSON]")
        await console.see("quit")
        console.enter("/help push")
        await console.see("--no-reply: do not wait for a reply")
        await self.leave(console)

    async def test_message_while_typing(self) -> None:
        """A message comes above the line, and line and cursor stay as they are."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        # The cursor goes two to the left, into the word.
        console.type("push rooms:a ne_msg\x1b[D\x1b[D\x1b[D\x1b[D")
        await console.see_line("> push rooms:a ne_msg")
        for number in range(3):
            server.broadcast("rooms:a", "news", {"number": number})
            await console.see(f'rooms:a news {{"number": {number}}}')
        await console.see_line("> push rooms:a ne_msg")
        console.type("w")
        await console.see_line("> push rooms:a new_msg")
        console.enter("")
        await console.see("ok rooms:a new_msg {}")
        await self.leave(console)

    async def test_many_messages(self) -> None:
        """None of many messages is lost, and the line below is still what was typed."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        console.type("half a li")
        await console.see_line("> half a li")
        for number in range(500):
            server.broadcast("rooms:a", "n", number)
        await console.see("rooms:a n 499")
        await console.see_line("> half a li")
        written = console.raw.decode()
        places = [written.index(f"rooms:a n {number}\r") for number in range(500)]
        self.assertEqual(places, sorted(places))
        console.type("ne")
        await console.see_line("> half a line")
        console.type("\x03")
        await self.leave(console)

    async def test_outstanding(self) -> None:
        """Who waits for a reply may type on; the bottom line counts the pushes."""
        _, console = await self.started()
        console.enter("join rooms:a")
        await console.see_bottom("connected | rooms:a joined |")
        console.enter("push rooms:a silence")
        await console.see_bottom("| rooms:a joined | 1 push outstanding |")
        console.enter("push rooms:a silence")
        await console.see_bottom("| 2 pushes outstanding |")
        console.enter("push rooms:a e 7")
        await console.see("ok rooms:a e 7")
        await console.see_bottom("| 2 pushes outstanding |")
        console.type("\x04")
        self.assertEqual(await console.ended, 0)
        error = "error: channel 'rooms:a' closed: left"
        self.assertEqual(console.lines.count(error), 2)

    async def test_wrong(self) -> None:
        """What is wrong stays to be mended, with the cursor where it is wrong."""
        _, console = await self.started()
        for typed, said, column in (
            ('push rooms:a e {"a": 1,, "b": 2}', "at column 24", 23),
            ("psuh rooms:a", "there is no command 'psuh'; help lists them", 0),
            ("join", "expected: join TOPIC [JSON]", 4),
        ):
            console.enter(typed)
            await console.see(said)
            await console.see_line(f"> {typed}")
            self.assertEqual(console.screen.cursor.x, 2 + column)
            console.type("\x03")
            await console.see_line(">")
        console.enter("push rooms:b e")
        await console.see("error: rooms:b is not joined")
        await self.leave(console)

    async def test_lines_of_json(self) -> None:
        """JSON that is not complete goes on in the next line."""
        _, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        console.enter("push rooms:a e {")
        await console.see_line("")
        console.enter('"a": [1,')
        console.enter('2], "b": 3}')
        await console.see('ok rooms:a e {"a": [1, 2], "b": 3}')
        await self.leave(console)

    async def test_paste(self) -> None:
        """Several commands that are pasted are carried out, each of them."""
        _, console = await self.started()
        pasted = 'join rooms:a\npush rooms:a e {"a":\n  1}\n# done\nping'
        console.type(f"\x1b[200~{pasted}\x1b[201~")
        await console.see_line("  ping")
        console.enter("")
        await console.see("ok rooms:a {}")
        await console.see('ok rooms:a e {"a": 1}')
        await console.see(" ms")
        await self.leave(console)

    async def test_cancel(self) -> None:
        """Ctrl-C throws the line away, and nothing of it is done."""
        server, console = await self.started()
        console.type("join rooms:a")
        await console.see_line("> join rooms:a")
        console.type("\x03")
        await console.see_line(">")
        await console.see("> join rooms:a^C")
        console.enter("join rooms:b")
        await console.see("ok rooms:b")
        self.assertEqual(server.channels("rooms:a"), [])
        await self.leave(console)

    async def test_size(self) -> None:
        """It goes on in a window that has become smaller, or larger."""
        _, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        for rows, columns in ((12, 50), (30, 120)):
            console.type("push rooms:a e 1")
            await console.see_line("> push rooms:a e 1")
            console.resize(rows, columns)
            await console.see_width(columns)
            await console.see_line("> push rooms:a e 1")
            console.enter("")
            await console.see_line(">")
        await self.leave(console)

    async def test_few_lines(self) -> None:
        """The line is there where the terminal has no room for all that is below it."""
        server = await self.phoenix_server({"rooms:*": self.room})
        self.size = (4, 60)
        console = self.start(server.url)
        await console.see_bottom(" connected | no topic |")
        # There are more offers than lines.
        console.type("\t")
        await console.see("join a topic, with these params")
        console.type("\t")
        await console.see_line("> join")
        await console.see_bottom(" connected | no topic |")
        console.type("\x03")
        await self.leave(console)
        self.assertNotIn(b"Window too small", console.raw)

        self.size = (2, 60)
        console = self.start(server.url)
        await console.see_bottom(" connected | no topic |")
        console.enter("join")
        await console.see_bottom("expected: join TOPIC [JSON]")
        await console.see_line("> join")
        console.type("\x03")
        await console.see_bottom(" connected | no topic |")
        await self.leave(console)


class CompletionTests(PromptCase):
    """What TAB does."""

    async def test_words(self) -> None:
        """Commands, options, topics that are joined, and events that have come."""
        server, console = await self.started()
        console.type("jo\t")
        await console.see_line("> join")
        # A word that is complete is followed by a space, as in a shell.
        console.enter("rooms:lobby")
        await console.see("ok rooms:lobby")
        server.broadcast("rooms:lobby", "new_msg", {})
        await console.see("rooms:lobby new_msg {}")
        for typed, becomes in (
            ("/pu\t", "> /push"),
            ("--\t", "> /push --no-reply"),
            ("ro\t", "> /push --no-reply rooms:lobby"),
            ("n\t", "> /push --no-reply rooms:lobby new_msg"),
        ):
            console.type(typed)
            await console.see_line(becomes)
        console.type("\x03")
        await console.see_line(">")
        console.type("help st\t")
        await console.see_line("> help state")
        console.type("\x03")
        await self.leave(console)

    async def test_menu(self) -> None:
        """Where there are several there is a menu, and TAB goes through it."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        for event in ("new_msg", "new_user"):
            server.broadcast("rooms:a", event, {})
            await console.see(f"rooms:a {event} {{}}")
        console.type("push rooms:a \t")
        await console.see_line("> push rooms:a new_")
        console.type("\t")
        await console.see_line("> push rooms:a new_user")
        menu = "".join(console.lines[-7:]).split()
        self.assertIn(("new_user", "new_msg"), list(pairwise(menu)))
        console.type("\t")
        await console.see_line("> push rooms:a new_msg")
        # With the menu, the line below is still there.
        await console.see_bottom("connected | rooms:a joined")
        console.enter("")
        await console.see("ok rooms:a new_msg {}")
        await self.leave(console)


class HistoryTests(PromptCase):
    """The lines of runs before."""

    @property
    def path(self) -> Path:
        """The file."""
        return self.state / "txphoenix" / "console_history"

    async def test_two_runs(self) -> None:
        """Up-arrow brings the lines of this run, and then those of the run before."""
        _, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        await self.leave(console)

        _, console = await self.started()
        console.enter("ping")
        await console.see(" ms")
        for line in ("ping", "join rooms:a", "join rooms:a"):
            console.type("\x1b[A")
            await console.see_line(f"> {line}")
        # A topic of the run before is known.
        console.type("\x03")
        await console.see_line(">")
        console.type("join ro\t")
        await console.see_line("> join rooms:a")
        console.type("\x03")
        await self.leave(console)

    async def test_search(self) -> None:
        """Ctrl-R searches them; Ctrl-C ends the search alone, and Ctrl-D nothing."""
        _, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        console.type("\x12join")
        await console.see_line("I-search backward: join")
        console.type("\x04\x03")
        await console.see_line(">")
        console.type("ping")
        await console.see_line("> ping")
        console.type("\x03")
        await console.see("> ping^C")
        await self.leave(console)

    async def test_file(self) -> None:
        """It is for its owner alone, without secrets and what begins with a space."""
        _, console = await self.started()
        for line in (
            'join rooms:a {"user_token": "sesame"}',
            ' join rooms:b {"pet": "sesame"}',
            "join rooms:c",
        ):
            console.enter(line)
            await console.see(f"ok {line.split()[1]}")
        # In this run it is there, but for what begins with a space.
        for line in ("join rooms:c", 'join rooms:a {"user_token": "sesame"}'):
            console.type("\x1b[A")
            await console.see_line(f"> {line}")
        console.type("\x03")
        await self.leave(console)
        self.assertEqual(self.path.read_text("utf-8"), '"join rooms:c"\n')
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    async def test_no_file(self) -> None:
        """Where there can be no file, it says so once, and goes on."""
        self.state.write_text("a file where a directory should be")
        _, console = await self.started()
        for line, said in (("join rooms:a", "ok"), ("leave rooms:a", "rooms:a left")):
            console.enter(line)
            await console.see(said)
        console.type("\x1b[A")
        await console.see_line("> leave rooms:a")
        console.type("\x03")
        await self.leave(console)
        told = "\n".join(console.lines).count("what is typed is not kept: ")
        self.assertEqual(told, 1)
