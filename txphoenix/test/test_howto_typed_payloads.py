"""The page about typed payloads shows a decoder of each library that works.

:mod:`txphoenix.test.test_howtos` runs its program.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from txphoenix.errors import DecodeError

from .support import TOPIC, ClientTestCase
from .test_howtos import NOT_THERE, captioned

PAGE = "howto-typed-payloads"


class LibraryTests(ClientTestCase):
    """The decoders of each library."""

    skip = NOT_THERE

    def decode_by(self, library: str) -> None:
        """A class of a library is what hooks have, and what it refuses is an error."""
        made: dict[str, Any] = {"__name__": __name__}
        exec(compile(captioned(PAGE, library), PAGE, "exec", dont_inherit=True), made)
        channel = self.joined_channel()
        got: list[Any] = []
        errors: list[Any] = []
        channel.on("new_msg", got.append, decode=made["decode"])
        channel.on_error(errors.append)
        self.server_sends(None, None, TOPIC, "new_msg", {"body": "hi", "user_id": "a"})
        self.server_sends(None, None, TOPIC, "new_msg", {"body": 7})
        (message,) = got
        self.assertIsInstance(message, made["Message"])
        self.assertEqual((message.body, message.user_id), ("hi", "a"))
        self.assertEqual([type(error) for error in errors], [DecodeError])

    def test_msgspec(self) -> None:
        """Msgspec's ``convert``."""
        self.decode_by("msgspec")

    def test_attrs(self) -> None:
        """A class of attrs."""
        self.decode_by("attrs")

    def test_pydantic(self) -> None:
        """Pydantic's ``model_validate``."""
        self.decode_by("pydantic")

    if find_spec("pydantic") is None:
        test_pydantic.skip = "pydantic is not installed"  # type: ignore[attr-defined]
