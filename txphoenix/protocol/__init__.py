"""The protocol: values and rules that need neither Twisted nor I/O."""

from __future__ import annotations
