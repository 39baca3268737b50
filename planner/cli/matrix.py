"""`planner matrix`: what rebuilds, as a CI matrix for each level of the graph."""

from __future__ import annotations

import argparse

from planner.ci.matrix import matrix_github, matrix_json
from planner.cli.plan import plan_of


def run(options: argparse.Namespace) -> int:
    """Print the matrix."""
    made = plan_of(options)
    print(matrix_github(made) if options.format == "github" else matrix_json(made))
    return 0
