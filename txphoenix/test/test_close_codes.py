"""Tests of :mod:`txphoenix.protocol.close_codes`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.error_texts import CLOSE_MEANINGS
from txphoenix.protocol import close_codes
from txphoenix.protocol.close_codes import is_sent_by_clients


class CloseCodeTests(SynchronousTestCase):
    """The codes, and which of them a client may send."""

    def test_named(self) -> None:
        """Each name has a number of its own, and each of these a meaning for people."""
        names = [name for name in close_codes.__all__ if name.isupper()]
        codes = {getattr(close_codes, name) for name in names}
        self.assertEqual(len(codes), len(names))
        self.assertLessEqual(codes, set(CLOSE_MEANINGS))

    def test_sent(self) -> None:
        """A client sends 1000, and what RFC 6455 leaves to libraries and programs."""
        for code in (1000, 3000, 3999, 4000, 4999):
            self.assertTrue(is_sent_by_clients(code), code)
        for code in (0, 999, 1001, 1005, 1006, 1011, 2999, 5000):
            self.assertFalse(is_sent_by_clients(code), code)
