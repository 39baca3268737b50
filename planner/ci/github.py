"""Writes a whole workflow for GitHub Actions: plan, jobs that build, a comment, a nightly check and a clean-up.

Every job has its own permissions and no more than it uses; nothing that a pull request runs can write a package.
"""

from __future__ import annotations

from planner.ci.actions import pinned
from planner.ci.github_login import login, permissions, secrets, signing_key
from planner.ci.github_scripts import CLEAN_UP, COMMENT, NEWEST, WITHHELD
from planner.ci.github_steps import WHOLE_FOR_QUEUE, Steps, artifact, checkout, code, fetch, installed, prepared
from planner.ci.jobs import alone, jobs_of
from planner.ci.pipeline import OWN, PLAN, PUBLISHED, SHOWN, Settings, refuse_unpublished
from planner.ci.yaml_text import yaml_text
from planner.errors import PlannerError

FILE = ".github/workflows/images.yml"
HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# Pushes to {branch} and the nightly run build what the registry lacks and push it; pull requests, and merge queues of
# them, build without pushing.
"""
MAX_LETTERS = 500_000
"""GitHub starts no run of a workflow file above 500 KB (docs.github.com, Actions limits)."""
Job = dict[str, object]

NOT_CLOSED = "github.event_name != 'pull_request' || github.event.action != 'closed'"
SAME = "github.event.pull_request.head.repo.full_name == github.repository"
"""For a fork's pull request the run's token may write nothing, whatever a job asks for."""
PROPOSED = "(github.event_name == 'pull_request' || github.event_name == 'merge_group')"
"""A pull request, by itself or in a merge queue. What it builds is pushed nowhere: the merge builds it again."""
MATRIX = "fromJSON(needs.plan.outputs.matrix || '{}')"
OF_PULL_REQUEST: dict[str, object] = {
    "GH_TOKEN": "${{ github.token }}",
    "REPOSITORY": "${{ github.repository }}",
    "NUMBER": "${{ github.event.pull_request.number }}",
}


def workflow(settings: Settings, command: str) -> str:
    """The file, with `command` told as the one that wrote it. Raises PlannerError for what cannot be written safely."""
    refuse_unpublished(settings)
    jobs: dict[str, tuple[str, Job]] = {
        "plan": ("What rebuilds, as a plan that every other job applies.", _plan(settings)),
        "withheld": ("Without a matrix all that follows would be skipped, and the run would pass.", _withheld()),
        "comment": ("The plan as a comment; this job reads no code of the pull request.", _comment(settings)),
        "pull-request": ("A pull request builds on one runner, and may write nothing.", _pull_request(settings)),
        **(_static(settings) if settings.static else _dynamic(settings)),
        **(
            {"lock": ("Says each night whether an image from outside moved.", _lock(settings))}
            if settings.locked
            else {}
        ),
        "clean-up": ("Drops the caches of a closed pull request; runs no code of it.", _clean_up()),
    }
    name = settings.named("images")
    body = [
        HEAD.format(command=command, branch=settings.branch),
        yaml_text(
            {
                "name": name,
                "on": _events(settings),
                "permissions": {},
                **settings.variables("env"),
                "concurrency": _concurrency(name),
            }
        ),
        "jobs:\n",
        *(_indented(f"# {why}\n{yaml_text({name: job})}") for name, (why, job) in jobs.items()),
    ]
    text = pinned("\n".join(body))
    if len(text) > MAX_LETTERS:
        raise PlannerError(f"the workflow has {len(text):,} letters, GitHub takes {MAX_LETTERS:,}: leave out --static")
    return text


def _concurrency(name: str) -> dict[str, str]:
    return {
        "group": f"{name}-${{{{ github.event.pull_request.number || github.ref }}}}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _events(settings: Settings) -> dict[str, object]:
    handed_on = {name: {"required": False} for name in secrets(settings)}
    return {
        "push": {"branches": [settings.branch]},
        "pull_request": {"types": ["opened", "synchronize", "reopened", "closed"]},
        "merge_group": {"types": ["checks_requested"]},
        "schedule": [{"cron": settings.cron}],
        "workflow_dispatch": {},
        "workflow_call": {"secrets": handed_on} if handed_on else {},
    }


def _plan(settings: Settings) -> Job:
    levels = [] if settings.static else ["--levels", str(settings.levels)]
    script = "\n".join(
        [
            f"mkdir -p {OWN}",
            f"set -- {' '.join(PUBLISHED)}",
            'if [ "$PLANNER_EVENT" = pull_request ]; then set -- --since HEAD^1; fi',
            'if [ "$PLANNER_EVENT" = merge_group ]; then set -- --since "$PLANNER_BASE"; fi',
            f'{code(settings.planner("plan"))} "$@" --out {PLAN} --format markdown > {SHOWN}',
            f'cat {SHOWN} >> "$GITHUB_STEP_SUMMARY"',
            f'matrix="$({code(settings.planner("matrix", "--plan", PLAN, *levels))})"',
            'echo "matrix=$matrix" >> "$GITHUB_OUTPUT"',
            "",
        ]
    )
    keep = {
        "name": artifact(settings),
        "path": f"{PLAN}\n{SHOWN}\n",
        "include-hidden-files": True,
        "retention-days": 7,
    }
    event = {"PLANNER_EVENT": "${{ github.event_name }}", "PLANNER_BASE": "${{ github.event.merge_group.base_sha }}"}
    return {
        "if": NOT_CLOSED,
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 20,
        "permissions": permissions(settings, write=False, plans=True),
        "outputs": {"matrix": "${{ steps.plan.outputs.matrix }}"},
        "steps": [
            checkout(settings, depth=WHOLE_FOR_QUEUE),
            *installed(settings),
            *login(settings, write=False, plans=True),
            {"name": "Plan", "id": "plan", "run": script, "env": event},
            {"uses": "actions/upload-artifact", "with": keep},
        ],
    }


def _withheld() -> Job:
    """The runner leaves out an output in which it finds the value of any secret, with a warning and no failure."""
    return {
        "needs": "plan",
        "if": "needs.plan.outputs.matrix == ''",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 10,
        "permissions": {},
        "steps": [{"name": "Fail", "run": WITHHELD}],
    }


def _comment(settings: Settings) -> Job:
    """A comment of the same mark is replaced; the mark holds no sign that a shell, jq or HTML would read."""
    script = COMMENT.replace("MARK", f"<!-- {settings.named('planner plan')} -->")
    return {
        "needs": "plan",
        "if": f"github.event_name == 'pull_request' && {SAME}",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 10,
        "permissions": {"pull-requests": "write"},
        "steps": [
            fetch(settings),
            {"name": "Comment", "run": script, "env": OF_PULL_REQUEST},
        ],
    }


def _pull_request(settings: Settings) -> Job:
    build = settings.planner("build", "--plan", PLAN, "--keep-going")
    return {
        "needs": "plan",
        "if": f"{PROPOSED} && {MATRIX}.any",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 350,
        "permissions": permissions(settings, write=False),
        "steps": [*prepared(settings, write=False), {"name": "Build", "run": code(build)}],
    }


def _built(settings: Settings, condition: str, needs: list[str]) -> Job:
    """What the jobs share that build and push."""
    ours = f"github.event_name != 'pull_request' && github.ref == 'refs/heads/{settings.branch}'"
    return {
        "needs": needs,
        "if": f"${{{{ !cancelled() && needs.plan.result == 'success' && {ours} && {condition} }}}}",
        "timeout-minutes": 350,
        "permissions": permissions(settings, write=True),
    }


def _leg(settings: Settings, images: str) -> Steps:
    """`images` reach the shell as a variable, so nothing in a name is ever read as code.

    The environment overrides variables of graph files, so its names are such as no family uses by chance.
    """
    words = settings.planner("build", "--plan", PLAN, "--only", "--push", "--keep-going", *settings.allowed, "--")
    script = f"set -f\n{code(words)} $PLANNER_IMAGES\n"
    environment = {"PLANNER_IMAGES": images, **signing_key(settings)}
    return [
        _newest(),
        *prepared(settings, write=True),
        {"name": "Build", "run": script, "env": environment},
        # The home of a runner of one's own outlives the job, and other jobs read it.
        {"name": "Log out", "if": "always()", "run": f"docker logout {settings.host}"},
    ]


def _newest() -> dict[str, object]:
    """A run of an older commit that is started again would let tags name its images, and no run would follow it."""
    return {
        "name": "Refuse to go back",
        "if": "github.run_attempt != '1'",
        "run": NEWEST,
        "env": {"GH_TOKEN": "${{ github.token }}"},
    }


def _dynamic(settings: Settings) -> dict[str, tuple[str, Job]]:
    found: dict[str, tuple[str, Job]] = {}
    for level in range(settings.levels):
        matrix = f"{MATRIX}.levels[{level}]"
        job = _built(settings, f"{matrix} != null", ["plan", *found])
        job |= {
            "name": "${{ matrix.title }}",
            "strategy": {"fail-fast": False, "matrix": f"${{{{ {matrix} }}}}"},
            "runs-on": "${{ matrix.runner }}",
            "steps": _leg(settings, "${{ matrix.images }}"),
        }
        found[f"level{level}"] = (HIGHER.format(level - 1) if level else LEVELS, job)
    return found


LEVELS = "One job for each image that rebuilds, level by level: parents are in earlier ones."
HIGHER = "Images that stand on those of level {}."


def _static(settings: Settings) -> dict[str, tuple[str, Job]]:
    found: dict[str, tuple[str, Job]] = {}
    for job in jobs_of(settings.work, alone(settings.work)):
        name = job.images[0]
        condition = f"!failure() && contains({MATRIX}.images, '{name}')"
        written = _built(settings, condition, ["plan", *job.needs])
        written |= {"name": name, "runs-on": job.runner, "steps": _leg(settings, name)}
        found[job.id] = (f"{name}, as soon as what it reads is built.", written)
    return found


def _lock(settings: Settings) -> Job:
    return {
        "if": "github.event_name == 'schedule'",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 20,
        "permissions": permissions(settings, write=False, plans=True) if settings.private else {"contents": "read"},
        "steps": [
            checkout(settings),
            *installed(settings),
            *(login(settings, write=False, plans=True) if settings.private else []),
            {"name": "Check", "run": code(settings.planner("lock", "--check"))},
        ],
    }


def _clean_up() -> Job:
    return {
        "if": f"github.event_name == 'pull_request' && github.event.action == 'closed' && {SAME}",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 10,
        "permissions": {"actions": "write"},
        "steps": [{"name": "Delete caches", "run": CLEAN_UP, "env": OF_PULL_REQUEST}],
    }
