"""The console that edits the line: history, completion, and what comes above it.

It needs ``prompt_toolkit``: ``pip install 'txphoenix[console]'``.
"""

from __future__ import annotations

try:
    import prompt_toolkit as _  # noqa: F401
except ImportError:
    raise ImportError(
        "txphoenix.cli.prompt needs prompt_toolkit: pip install 'txphoenix[console]'",
        name="prompt_toolkit",
    ) from None

from .console import PromptConsole, at_terminal

__all__ = ["PromptConsole", "at_terminal"]
