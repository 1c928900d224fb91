"""What takes a hook, a handler or a listener away again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Remover"]

Remover = Callable[[], None]
"""What every ``on_...`` method returns: call it and the hook is gone."""
