"""What the tests of ``examples/nerveshub/`` share: the example's modules.

The example is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.cli_program import ROOT
from txphoenix.test.extra import why_skipped

__all__ = ["EXAMPLE", "NOT_HERE", "loaded"]

EXAMPLE = ROOT / "examples" / "nerveshub"

NOT_HERE = None if EXAMPLE.exists() else "installed without its examples"
if NOT_HERE is None:
    NOT_HERE = why_skipped("msgpack")

_MODULES = ("msgpack_serializer", "shared_secret", "device", "hub", "run")


def loaded(test: SynchronousTestCase, name: str) -> Any:
    """A module of the example, as its programs import it, until the end of the test."""
    if str(EXAMPLE) not in sys.path:
        sys.path.insert(0, str(EXAMPLE))

        def forget() -> None:
            sys.path.remove(str(EXAMPLE))
            for module in _MODULES:
                sys.modules.pop(module, None)

        test.addCleanup(forget)
    return importlib.import_module(name)
