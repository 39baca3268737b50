"""Whether a CI runs the tests. Tests of the planner stand on nobody's runner, so its variables are taken away."""

from __future__ import annotations

import os

PROVIDERS = ("GITHUB_", "GITLAB_", "CI_", "BUILDKITE", "ACTIONS_", "RUNNER_")
KEPT = "TESTS_IN_CI"
"""Where it is kept for the processes that run a part of the tests each, which begin without the CI's variables."""

IN_CI = bool(os.environ.get("CI") or os.environ.get(KEPT))
if IN_CI:
    os.environ[KEPT] = "1"

for _name in [name for name in os.environ if name == "CI" or name.startswith(PROVIDERS)]:
    del os.environ[_name]
