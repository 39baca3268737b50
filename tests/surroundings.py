"""Whether a CI runs the tests. Tests of the planner stand on nobody's runner, so its variables are taken away."""

from __future__ import annotations

import os

PROVIDERS = ("GITHUB_", "GITLAB_", "CI_", "BUILDKITE", "ACTIONS_", "RUNNER_")
IN_CI = bool(os.environ.get("CI"))

for _name in [name for name in os.environ if name == "CI" or name.startswith(PROVIDERS)]:
    del os.environ[_name]
