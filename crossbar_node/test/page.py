"""The pieces of ``docs/howto-crossbar.rst``, for the test that runs them."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from ..node import ROOT

__all__ = ["PAGE", "fragment", "pieces", "program"]

PAGE = ROOT / "docs" / "howto-crossbar.rst"


def pieces(language: str, caption: str | None = None) -> list[str]:
    """The pieces of a language that have that caption, or none."""
    found = re.findall(
        r"^\.\. code-block:: (\w+)\n(?:   :caption: (.*)\n)?\n((?:   .*\n|\n)+)",
        PAGE.read_text("utf-8"),
        re.M,
    )
    return [
        textwrap.dedent(text)
        for name, said, text in found
        if name == language and (said or None) == caption
    ]


def fragment(caption: str) -> Any:
    """A piece of JSON."""
    (text,) = pieces("json", caption)
    return json.loads(text)


def program() -> str:
    """The pieces of Python without a caption, as the body of one coroutine."""
    body = "\n".join(pieces("python"))
    return "async def program(session, print):\n" + textwrap.indent(body, "    ")
