"""Run the model for longer, by hand: ``python -m txphoenix.test.model --help``."""
