"""What the tests of the checks have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError

SECRET = "S3CR3T"


class CheckCase(SynchronousTestCase):
    """Its checks refuse what they should, and say why."""

    def assert_refused(
        self, expected: str, check: Callable[..., Any], *arguments: object
    ) -> None:
        """The check raises, says what was expected, and tells no secret."""
        error = self.assertRaises(ConfigurationError, check, *arguments)
        self.assertIn(expected, str(error))
        self.assertNotIn(SECRET, str(error))
