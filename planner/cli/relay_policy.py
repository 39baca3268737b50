"""What both sides of a relay need of a policy."""

from __future__ import annotations

from planner.errors import PlannerError
from planner.policy.policy import Policy, RelayRule
from planner.policy.scopes import PR


def needed(policy: Policy) -> RelayRule:
    """The policy's rule for relays. Raises PlannerError where there is none, or where nobody signs what is relayed."""
    if policy.relay is None:
        raise PlannerError("the policy has no relay: section\n  docs/trust.md tells what it holds")
    if PR not in policy.scopes:
        raise PlannerError("the policy has no scope pr, into which a relay would write")
    if policy.signing is None or PR not in policy.signing.required:
        raise PlannerError("records of scope pr need no signature\n  signing: {require: [main, release, pr], …}")
    return policy.relay
