"""Spans of OpenTelemetry for what clients do: connect, join and push.

It needs OpenTelemetry's API: ``pip install 'txphoenix[otel]'``. ::

    from txphoenix.otel import instrument

    instrument()

Then each attempt to connect, each attempt to join and each push is a span, a child of
the span in which it was called.
"""

from __future__ import annotations

try:
    import opentelemetry.trace as _  # noqa: F401
except ImportError:
    raise ImportError(
        "txphoenix.otel needs opentelemetry-api: pip install 'txphoenix[otel]'",
        name="opentelemetry",
    ) from None

from .instrumentation import Instrumentation, instrument

__all__ = ["Instrumentation", "instrument"]
