"""The picture of a channel's states is the table of its states."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.channel_states import LIFE, Action, Input, State

from .states_picture import picture

DOCS = Path(__file__).parents[2] / "docs"
NOT_THERE = None if DOCS.exists() else "installed without its documents"


class StatesPictureTests(SynchronousTestCase):
    """What is drawn, and what the documents show."""

    def test_each_cell(self) -> None:
        """Each cell that does anything is drawn once: as an arrow, or in its box."""
        arrows = {
            (State(old), State(new), Input(given), Action(action))
            for old, new, cells in re.findall(
                r"<title>(\w+) to (\w+): ([^<]+)<", picture()
            )
            for given, action in (cell.split(": ") for cell in cells.split("; "))
        }
        changes = {
            (old, new, given, action)
            for (old, given), (new, action) in LIFE.table.items()
            if new is not old
        }
        self.assertEqual(arrows, changes)
        for state in State:
            _, rest = picture().split(f'class="states-head">{state}<')
            box, *_ = rest.split("<rect")
            inside = set(re.findall(r">(\w+): ([\w ]+)<", box))
            stays = {
                (given.value, action.value)
                for (old, given), (new, action) in LIFE.table.items()
                if old is new is state and action is not Action.IGNORE
            }
            self.assertEqual(inside, stays)

    def test_is_of_the_table(self) -> None:
        """The picture in the documents is drawn from the table as it is now.

        ``python -m txphoenix.test.states_picture > docs/channel-states.svg`` draws it.
        """
        kept = (DOCS / "channel-states.svg").read_text("utf-8")
        self.assertEqual(kept, picture())

    def test_is_shown(self) -> None:
        """The page of the protocol shows it, with a text for who does not see it."""
        page = (DOCS / "protocol.rst").read_text("utf-8")
        self.assertRegex(page, r"\.\. image:: channel-states\.svg\n   :alt: \w.{40}")

    def test_words(self) -> None:
        """The page that explains has words for each arrow, with each of its inputs."""
        page = (DOCS / "howitworks.rst").read_text("utf-8")
        told = {
            (State(old), State(new)): words
            for old, new, words in re.findall(
                r"^   \* - ``(\w+)``, ``(\w+)``\n((?:     .*\n)+)", page, re.M
            )
        }
        arrows: dict[tuple[State, State], list[Input]] = {}
        for (old, given), (new, _) in LIFE.table.items():
            if new is not old:
                arrows.setdefault((old, new), []).append(given)
        self.assertEqual(told.keys(), arrows.keys())
        for way, inputs in arrows.items():
            for given in inputs:
                self.assertRegex(told[way], rf"``{given}(\(\))?``", way)

    if NOT_THERE is not None:
        test_is_of_the_table.skip = NOT_THERE  # type: ignore[attr-defined]
        test_is_shown.skip = NOT_THERE  # type: ignore[attr-defined]
        test_words.skip = NOT_THERE  # type: ignore[attr-defined]
