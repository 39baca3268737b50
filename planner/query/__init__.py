"""Bazel's query language over a family's images: text to expression, expression and graph to targets."""
