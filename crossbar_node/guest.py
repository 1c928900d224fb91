"""A bridge as a program of its own: ``guest.py ROUTER_URL CONFIGURATION``.

A node starts it as a guest; anything else that starts programs would do as well.
"""

from __future__ import annotations

import json
import sys

from autobahn.twisted.component import run

from txphoenix.wamp import bridge_component


def main(router: str, realm: str, configuration: str) -> None:
    """Bridge until told to end; a lost router is connected to again."""
    component = bridge_component(
        router,
        realm,
        json.loads(configuration),
    )
    run([component])


if __name__ == "__main__":
    main(*sys.argv[1:])
