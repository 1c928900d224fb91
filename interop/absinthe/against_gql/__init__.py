"""What txphoenix.absinthe and gql, the other Python client, do in the same situations.

gql is on PyPI; of it, ``PhoenixChannelWebsocketsTransport`` speaks to Absinthe.
``python -m interop.absinthe.against_gql`` has both do the same, and compares what is
seen with the table in ``docs/from-python.rst``.
"""

from __future__ import annotations
