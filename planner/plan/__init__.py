"""Keys against a baseline: what to build and why."""
