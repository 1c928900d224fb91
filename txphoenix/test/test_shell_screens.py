"""The screens of the tutorial: what is not as the page shows it is found."""

from __future__ import annotations

import os
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from .shell_screens import BASH, Screen, ScreenDiffers, pattern_of, start_screen

WITHOUT = None if Path(BASH).exists() else f"there is no {BASH}"


class ScreenTests(TestCase):
    """Pieces of a page, and a shell."""

    skip = WITHOUT
    timeout = 120

    async def play(self, *pieces: str, **env: str) -> Screen:
        """Play the pieces in a shell of their own, to its last prompt.

        :param env: variables that are set besides.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        screen = start_screen(self, folder, {**os.environ, **env})
        for piece in pieces:
            await screen.play(piece)
        await screen.finish()
        return screen

    async def test_as_shown(self) -> None:
        """What is seen as it is shown, on one piece or more, is right."""
        for pieces in (
            ("$ true\n",),
            ("$ echo one\none\n$ echo two\ntwo\n",),
            ("$ printf 'one\\ntwo\\nthree\\n'\none\n...\n$ true\n",),
            ("$ printf 'one\\ntwo\\nthree\\n'\n...\nthree\n",),
            ("$ echo one > file\n$ tail -f file\n", "one\n^C\n", "$ true\n"),
            ("$ echo one > file\n$ tail -f file\none\n...\n", "^C\n...\n"),
            ("$ printf '> '; read word; echo got $word\n> this\ngot this\n",),
            ("$ date +%FT%T%z; echo 0.25 s\n2026-11-28T09:47:58+0000\n1 s\n",),
        ):
            await self.play(*pieces)

    async def test_otherwise(self) -> None:
        """What is seen otherwise is not."""
        for pieces in (
            ("$ echo one\ntwo\n",),
            ("$ echo one\n",),
            ("$ echo one\none\ntwo\n",),
            ("$ echo one\none\n...\ntwo\n",),
            ("$ echo one\n$ echo two\ntwo\n",),
            ("$ nothing-of-that-name\n",),
            ("$ date +%FT%T%z\nnow\n",),
        ):
            with self.assertRaises(ScreenDiffers, msg=str(pieces)):
                await self.play(*pieces)

    async def test_environment(self) -> None:
        """What somebody has set for shells of their own is not on the screen."""
        for name, value in (
            ("PROMPT_COMMAND", "echo here"),
            ("PS0", "here"),
            ("LC_ALL", "xx_XX.UTF-8"),
            ("SHELLOPTS", "xtrace"),
        ):
            await self.play("$ echo one\none\n", **{name: value})
        await self.play("$ echo ${TMOUT-none}\nnone\n", TMOUT="1000")

    async def test_history(self) -> None:
        """What is typed does not get among what the person has typed in their shells.

        The shell would write it as it ends with its terminal, as when the tests are
        interrupted.
        """
        history = Path(self.mktemp()).absolute()
        screen = await self.play("$ echo one\none\n", HISTFILE=os.fspath(history))
        screen.transport.signalProcess("HUP")
        await screen.ended
        self.assertFalse(history.exists())


class PatternTests(SynchronousTestCase):
    """What a line may be."""

    def test_varying(self) -> None:
        """Times, counts of seconds and of attempts, and spaces may be others."""
        line = "2026-11-28T09:51:47+0000 [a#b] again after 5.8 s; attempts: 2  in 0.31s"
        pattern = pattern_of(line)
        for found in (line, line.replace("5.8", "1e-05").replace(": 2 ", ": 17")):
            self.assertIsNotNone(re.fullmatch(pattern, found), found)

    def test_rest(self) -> None:
        """The rest may not, nor be more or less."""
        pattern = pattern_of("rejoined 1 of 1 channels, [x] code 1012")
        for found in ("rejoined 1 of 2 channels, [x] code 1012", "rejoined", ""):
            self.assertIsNone(re.fullmatch(pattern, found), found)
