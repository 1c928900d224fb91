"""What a release is made and checked with; ``docs/release.rst`` has the steps."""
