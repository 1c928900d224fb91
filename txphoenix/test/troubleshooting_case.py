"""What the page about troubleshooting has, and what was really said."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

import txphoenix

__all__ = ["NOT_THERE", "TroubleMixin", "sections"]

PAGE = Path(txphoenix.__file__).parent.parent / "docs" / "howto-troubleshooting.rst"
NOT_THERE = None if PAGE.exists() else "installed without its documents"


def sections() -> dict[str, list[str]]:
    """The texts in each section of the page."""
    parts = re.split(r"^(\w.*)\n-+\n", PAGE.read_text("utf-8"), flags=re.M)
    return {
        title: [
            text
            for line in re.findall(r"^(``.*)\n   ", body, re.M)
            for text in re.findall(r"``(.+?)``", line)
        ]
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    }


class TroubleMixin(SynchronousTestCase):
    """Compares a section with what was said."""

    def setUp(self) -> None:
        """Nothing was said yet."""
        super().setUp()
        self.said: list[str] = []

    def say(self, said: BaseException | str) -> None:
        """Something was said: an error as it is printed, or a text."""
        if isinstance(said, BaseException):
            # What it has inside is not to be told of again.
            said = "".join(traceback.format_exception_only(said))
        self.said.append(said)

    def say_all(self, *said: BaseException | str) -> None:
        """Several things were."""
        for each in said:
            self.say(each)

    def say_failure(self, deferred: Deferred[Any]) -> None:
        """What a Deferred fails with, now or later, was said."""

        def tell(failure: Failure) -> None:
            self.say(cast(BaseException, failure.value))

        deferred.addErrback(tell)

    def say_raised(self, *calls: Any) -> None:
        """What each call raises was said."""
        for call in calls:
            try:
                call()
            except BaseException as error:
                self.say(error)
            else:
                self.fail(f"{call} has not raised")

    def assert_section(self, title: str) -> None:
        """Each text of the section was said, and all that was said is there."""
        texts = sections()[title]
        self.assertNotEqual(texts, [])
        patterns = [re.sub(r"\\\.\\\.\\\.", ".*", re.escape(text)) for text in texts]
        self.assertEqual(_unsaid(patterns, self.said), [])
        anything = "|".join(patterns)
        untold = [said for said in self.said if not re.search(anything, said, re.S)]
        self.assertEqual(untold, [])


def _unsaid(patterns: Iterable[str], said: list[str]) -> list[str]:
    return [
        pattern
        for pattern in patterns
        if not any(re.search(pattern, each, re.S) for each in said)
    ]
