"""The bridge ``txphoenix.wamp`` on a real Crossbar router.

Its tests start a node with bridges in containers and as guests, and look at it from
both sides: from the realm, as a WAMP client, and from the Phoenix server, which says
who has joined what.
``python -m crossbar_node`` runs them, and ``python -m crossbar_node.throughput``
measures what goes through.
"""

from __future__ import annotations
