"""``docs/long_lines.py`` breaks what can be broken, and nothing else.

It is in a clone and in a source distribution, not in a wheel, and needs Sphinx.
"""

from __future__ import annotations

import runpy
from importlib.util import find_spec
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from .test_front_page import DOCS, NOT_THERE

LINE = "2026-11-28T02:37:28+0000 [txphoenix.client#warn] chat: the connection is lost: "


class LongLinesTests(SynchronousTestCase):
    """Texts and names."""

    skip = NOT_THERE or (None if find_spec("sphinx") else "there is no Sphinx")

    def setUp(self) -> None:
        """Load it."""
        self.module: dict[str, Any] = runpy.run_path(str(DOCS / "long_lines.py"))

    def test_log(self) -> None:
        """A log with a line that is too long is broken, and one without is not."""
        wraps = self.module["wraps"]
        self.assertTrue(wraps(f"short\n{LINE}connection closed with code 1006\n"))
        self.assertFalse(wraps(f"short\n{LINE}\n"))

    def test_frames(self) -> None:
        """Frames of two clients are broken, though their names are of one width."""
        frame = '["3", "3", "realtime:room", "phx_join", {"access_token": "' + "a" * 60
        self.assertTrue(self.module["wraps"](f"txphoenix    C> {frame}"))

    def test_columns(self) -> None:
        """A table, and a drawing, are never torn."""
        wraps = self.module["wraps"]
        self.assertFalse(wraps(f"what          how many    unit\n{LINE * 2}"))
        self.assertFalse(wraps("\u2500" * 120))

    def test_names(self) -> None:
        """A long name may be broken behind its dots and underscores, and is whole."""
        pieces = self.module["pieces"]
        self.assertEqual(
            pieces("test_network.FaultTests.test_restart"),
            ["test_", "network.", "FaultTests.", "test_", "restart"],
        )
        for whole in ("on_error", "a sentence, with some_code in it", "__cause__" * 2):
            self.assertEqual("".join(pieces(whole)), whole)
        self.assertEqual(pieces("on_error"), ["on_error"])
        self.assertEqual(pieces("SocketClient(url, heartbeat_interval=3)")[1:], [])

    def test_cut(self) -> None:
        """Between the pieces the page has what lets a browser break there."""
        cut = self.module["LongLines"].cut(None, "txphoenix.channels.Channel")
        self.assertEqual(
            [node.astext() for node in cut],
            ["txphoenix.", "<wbr>", "channels.", "<wbr>", "Channel"],
        )
