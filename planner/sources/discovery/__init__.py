"""The front door without a graph file: Dockerfiles found by name, and what can be told about them from text alone."""
