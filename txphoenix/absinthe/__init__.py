"""GraphQL subscriptions over Phoenix channels, as Absinthe serves them."""

from __future__ import annotations

__all__: list[str] = []
