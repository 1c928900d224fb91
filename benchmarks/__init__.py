"""How fast the client is, beside others that do the same work in the same run.

::

    python -m benchmarks [--short] [--json FILE] [--svg FILE] [WORKLOAD...]
    python -m benchmarks --list

Each workload is a file here, with one function for each client that is measured:

``txphoenix``
    This library, whole: message, routing, join_ref check, hook, Deferred, deadline.
``stock``
    Autobahn's own client protocol and orjson, without any channel logic.
``phoenix_js``
    Phoenix's own client on Node with ``ws`` (in ``phoenix_js.mjs``).
``bare``
    A blocking socket that sends frames made beforehand and counts bytes.
    It does next to nothing, so that its rate is what the server can serve.

The server is a process of its own, and so is every single measurement.
It has a port with TLS as well, and a certificate made for the run.

How long the client lasts, and not how fast it is, is :mod:`benchmarks.soak`.
"""

from __future__ import annotations
