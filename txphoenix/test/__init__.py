"""The tests of txphoenix, one module of tests for each module."""
