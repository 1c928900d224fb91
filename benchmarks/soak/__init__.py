"""The soak: many clients, for minutes, on a network that does all that networks do.

::

    python -m benchmarks.soak [--minutes N] [--seed S] [--plan] [--plant FAULT]

Fifty clients with ten channels each, by every transport and over TLS as well, push and
listen through a :class:`txphoenix.testing.FaultProxy` each.
A plan, which a seed makes, has these proxies and the servers behind them go wrong in
every way there is; in between there are quiet moments, in which all must be well again.
What must hold all the while is in :mod:`benchmarks.soak.checks`, and what may grow how
far in :mod:`benchmarks.soak.measures`.
The exit code is 1 if anything of that was broken; what, and when, is printed.
"""
