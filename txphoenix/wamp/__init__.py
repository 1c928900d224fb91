"""A bridge between a Phoenix socket and a WAMP realm."""
