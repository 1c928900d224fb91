"""The picture of an outage is what a client says while it goes through one."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from .outage_picture import picture, run

DOCS = Path(__file__).parents[2] / "docs"
NOT_THERE = None if DOCS.exists() else "installed without its documents"


class OutagePictureTests(SynchronousTestCase):
    """What is drawn, and what the documents show."""

    def test_outage(self) -> None:
        """The statuses are those that the guides tell of, and no push is lost."""
        phases = run()
        self.assertEqual(
            [(phase.status, phase.state) for phase in phases],
            [
                ("connected", "joined"),
                ("connected", "joined"),
                ("disconnected", "errored"),
                ("connecting", "errored"),
                ("disconnected", "errored"),
                ("connecting", "errored"),
                ("connected", "joining"),
                ("connected", "joined"),
            ],
        )
        self.assertEqual(
            [(phase.before, phase.meanwhile) for phase in phases],
            [
                *[("waits for its reply", "")] * 2,
                *[("PushInterrupted", "is kept")] * 5,
                ("PushInterrupted", "is answered"),
            ],
        )

    def test_drawn(self) -> None:
        """Each that a client says is drawn, and each limit is the options'."""
        text = re.sub(r"<[^>]+>", " ", picture())
        for phase in run():
            for word in (phase.moment, *phase.told, *phase[2:]):
                self.assertIn(word, text)
        for limit in ("40 s", "15 s", "5 s"):
            self.assertIn(limit, text)

    def test_is_of_the_run(self) -> None:
        """The picture in the documents is drawn from a run of today.

        To draw it anew: ``python -m txphoenix.test.outage_picture > docs/outage.svg``.
        """
        self.assertEqual((DOCS / "outage.svg").read_text("utf-8"), picture())

    test_is_of_the_run.skip = NOT_THERE  # type: ignore[attr-defined]
