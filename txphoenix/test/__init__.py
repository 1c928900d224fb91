"""The tests of txphoenix, one module of tests for each module."""

from __future__ import annotations

from .extra import skip_what_lacks

skip_what_lacks()
