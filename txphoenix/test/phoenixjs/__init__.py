"""Counterparts of the official client's own tests.

phoenix.js, the client that comes with Phoenix, has a test suite of its own.
Each of its cases has an id here (C for its tests of the channel, S for the socket,
Z for the serializer, and so on), and each that can hold for another client has a test
in this package, named after it.
The test's docstring begins with the id and says what must hold, which is not always
what holds there: ``docs/phoenixjs.rst`` leads to the tables, and has the reasons.

All is written anew, against the real client and the server kit in memory.
"""
