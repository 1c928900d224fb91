"""Fuzzing: what servers send, made worse, by atheris; ``python -m fuzz --help``."""
