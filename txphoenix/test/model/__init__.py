"""A plain model of client and server, held beside the real ones.

Hypothesis calls whatever a user, a server and a network can do, in any order, on the
real client and the real server in memory, and after each step the model says what a
user was promised and did not get.
It knows nothing of how the client works: only of what was asked of it, what it has
told, and what the server has seen and said.

==================  ==========================================================
:mod:`.promises`    the invariants, by name, and what has broken one
:mod:`.server`      the server, its rooms, and what each has seen and said
:mod:`.handed`      the Deferreds handed out, and with what each may fire
:mod:`.topic`       one channel as a user sees it: asked for, told, heard, read
:mod:`.link`        the connection as a user sees it: told, lost, tried again
:mod:`.raw`         what the client pushes by itself, past the channels
:mod:`.told`        what telemetry tells of the ends of pushes
:mod:`.world`       all of these together, with time and bytes
:mod:`.agreement`   what must be so once all is quiet, and after the stop
:mod:`.deeds`       what servers do to all, and users while something is in the way
:mod:`.machine`     the rules: what Hypothesis may call
:mod:`.faults`      faults of the library, to see whether the model finds them
:mod:`.planted`     plants them, one at a time
==================  ==========================================================

``python -m txphoenix.test.model --help`` runs it for longer.
"""
