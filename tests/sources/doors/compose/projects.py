"""Compose projects of several files: overrides, `.env`, profiles, `extends` and `include`."""

from __future__ import annotations

from tests.sources.doors.compose.cases import APP, FIELDS, SCALARS, VARIABLES, files, whole
from tests.sources.doors.compose.judge import Case

MERGES = {
    "yaml": files({"compose.yaml": APP, "compose.yml": "services: {other: {build: .}}\n"}),
    "docker-compose.yml before .yaml": files({"docker-compose.yaml": "x", "docker-compose.yml": APP}),
    "an override": files(
        {
            "compose.yaml": "services: {app: {image: a, build: {context: a, args: {X: 1, Y: 2}, tags: [t1]}}}\n",
            "compose.override.yaml": "services:\n  app:\n    build: {args: [Y=3, Z], tags: [t2, t1], target: dev}\n",
        },
        Z="z",
    ),
    "an override of another main name": files(
        {"docker-compose.yml": APP, "compose.override.yml": "services: {app: {build: {target: x}}}\n"}
    ),
    "a text over a mapping": files(
        {"a.yaml": "services: {app: {build: {context: a, target: t}}}\n", "b.yaml": "services: {app: {build: b}}\n"},
        "a.yaml",
        "b.yaml",
    ),
    "a mapping over a text": files(
        {"a.yaml": "services: {app: {build: a}}\n", "b.yaml": "services: {app: {build: {target: t}}}\n"},
        "a.yaml",
        "b.yaml",
    ),
    "three files": files(
        {
            "a.yaml": "services: {app: {build: {context: a, args: {A: 1}, cache_from: [a]}}}\n",
            "b.yaml": "services: {app: {build: {args: {A: 2}, cache_from: [b]}}}\n",
            "c.yaml": "services: {app: {build: {args: {A: }, cache_from: [b]}}}\n",
        },
        "a.yaml",
        "b.yaml",
        "c.yaml",
    ),
    "paths are relative to the first file": files(
        {"x/a.yaml": "services: {app: {build: a}}\n", "y/b.yaml": "services: {other: {build: ./b}}\n"},
        "x/a.yaml",
        "y/b.yaml",
    ),
    "COMPOSE_FILE": files(
        {"a.yaml": APP, "b.yaml": "services: {app: {build: {target: t}}}\n"}, COMPOSE_FILE="a.yaml:b.yaml"
    ),
    "COMPOSE_PATH_SEPARATOR": files(
        {"a.yaml": APP, "b.yaml": "services: {app: {build: {target: t}}}\n"},
        COMPOSE_FILE="a.yaml;b.yaml",
        COMPOSE_PATH_SEPARATOR=";",
    ),
    "COMPOSE_FILE in .env": files({"a.yaml": APP, ".env": "COMPOSE_FILE=a.yaml\n"}),
    "lists are joined": files(
        {
            "a.yaml": "services: {app: {build: {context: ., platforms: [linux/amd64], secrets: [s]}}}\n"
            "secrets: {s: {file: a}}\n",
            "b.yaml": "services: {app: {build: {platforms: [linux/arm64], secrets: [t]}}}\n"
            "secrets: {s: {file: b}, t: {environment: T}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "extra_hosts are joined": files(
        {
            "a.yaml": "services: {app: {build: {context: ., extra_hosts: {a: 1.1.1.1}}}}\n",
            "b.yaml": "services: {app: {build: {extra_hosts: ['a=1.1.1.1', 'b=2.2.2.2']}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "ulimits are merged": files(
        {
            "a.yaml": "services: {app: {build: {context: ., ulimits: {n: {soft: 1, hard: 2}, m: 3}}}}\n",
            "b.yaml": "services: {app: {build: {ulimits: {n: {soft: 2}, m: {soft: 4, hard: 5}}}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "kinds that do not fit": files(
        {
            "a.yaml": "services: {app: {build: {context: ., tags: [a]}}}\n",
            "b.yaml": "services: {app: {build: {tags: {a: b}}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "!reset of an argument": files(
        {
            "a.yaml": "services: {app: {build: {context: ., args: {A: 1, B: 2}, target: t}}}\n",
            "b.yaml": "services: {app: {build: {args: {A: !reset null}, target: !reset ''}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "!reset of a build": files(
        {
            "a.yaml": "services: {app: {image: x, build: .}}\n",
            "b.yaml": "services: {app: {build: !reset null}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "!reset of a service": files(
        {
            "a.yaml": "services: {app: {build: .}, b: {build: .}}\n",
            "b.yaml": "services: {app: !reset null}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "!override": files(
        {
            "a.yaml": "services: {app: {build: {context: a, args: {A: 1}, tags: [a, b]}}}\n",
            "b.yaml": "services: {app: {build: {args: !override {B: 2}, tags: !override [c]}}}\n",
            "c.yaml": "services: {app: {build: {args: {C: 3}, tags: [d]}}}\n",
        },
        "a.yaml",
        "b.yaml",
        "c.yaml",
    ),
    "!override of a build": files(
        {
            "a.yaml": "services: {app: {build: {context: a, args: {A: 1}}}}\n",
            "b.yaml": "services: {app: {build: !override {context: b}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "!reset before there is anything": files(
        {
            "a.yaml": "services: {app: {build: {context: ., args: !reset {}}}}\n",
            "b.yaml": "services: {app: {build: {args: {A: 1}}}}\n",
        },
        "a.yaml",
        "b.yaml",
    ),
    "several documents": whole("services: {app: {build: a}}\n---\nservices: {app: {build: {target: t}}}\n"),
    "anchors": whole(
        "x-build: &build\n  context: .\n  args: &args {A: 1, B: 2}\nservices:\n"
        "  one: {build: *build}\n"
        "  two:\n    build:\n      <<: *build\n      target: t\n      args: {<<: *args, B: 3, C: '${C:-4}'}\n"
    ),
    "a list of merges": whole(
        "x-a: &a {args: {A: 1}, target: a}\nx-b: &b {args: {B: 1}, context: b}\n"
        "services:\n  app: {build: {<<: [*a, *b], target: own}}\n"
    ),
    "merges of merges": whole(
        "x-a: &a {target: a, context: a}\nx-b: &b {<<: *a, target: b}\nservices:\n  app: {build: {<<: *b}}\n"
    ),
    "a merged service": whole(
        "x-s: &s\n  image: x\n  build: {context: s}\nservices:\n  one: *s\n  two: {<<: *s, image: y}\n"
    ),
    "a name given twice": whole("services:\n  app: {build: a}\n  app: {build: b}\n"),
    "a name of a merge given again": whole("x-a: &a {context: a}\nservices:\n  app: {build: {context: own, <<: *a}}\n"),
}

ENVIRONMENTS = {
    ".env": files(
        {
            "compose.yaml": "services: {app: {image: 'app:${V}', build: {context: '${DIR}', args: [V, W, X, Y]}}}\n",
            ".env": "V=1\nDIR=src\n# comment\nexport W = w w # no\nX='$V'\nY=\"a\\n$V\"\n",
        }
    ),
    "the environment over .env": files(
        {"compose.yaml": "services: {app: {build: {args: {A: '${V}', B: }}}}\n", ".env": "V=file\nB=file\nC=$V\n"},
        V="shell",
    ),
    ".env names others": files(
        {
            "compose.yaml": "services: {app: {build: {args: [A, B, C, D, E, F]}}}\n",
            ".env": "A=1\nB=${A}2\nC=${SHELL_V:-none}\nD=\"${B}\"\nE='${B}'\nF=$$A\n",
        },
        SHELL_V="s",
    ),
    ".env in odd forms": files(
        {
            "compose.yaml": "services: {app: {build: {args: [A, B, C, D, E, F, G, H, I, J]}}}\n",
            ".env": '\ufeffA: yaml\nB=\nC= spaced  \nD=a#b #c\nE=\'multi\nline\'\nF="q\\"q"\nG\n'
            "H=\"\\t\\\\x\\$A\"\nI='it\\'s'\nJ=x\n",
        },
        G="taken",
    ),
    ".env with a quote that is not closed": files({"compose.yaml": APP, ".env": "A='x\nB=1\n"}),
    ".env with a wrong name": files({"compose.yaml": APP, ".env": "A*B=1\n"}),
    ".env with a space in a name": files({"compose.yaml": APP, ".env": "A B=1\n"}),
    "--env-file": Case(
        files={
            "compose.yaml": "services: {app: {build: {args: [A, B]}}}\n",
            ".env": "A=no\nB=no\n",
            "one.env": "A=1\nB=1\n",
            "two.env": "B=2$A\n",
        },
        env_files=("one.env", "two.env"),
    ),
    "profiles": whole(
        "services:\n  a: {build: .}\n  b: {build: ., profiles: [debug]}\n  c: {build: ., profiles: [x, y]}\n",
        profiles=("debug",),
    ),
    "all profiles": whole("services:\n  a: {build: .}\n  b: {build: ., profiles: [debug]}\n", profiles=("*",)),
    "no profiles": whole("services:\n  a: {build: .}\n  b: {build: ., profiles: [debug]}\n"),
    "COMPOSE_PROFILES": files(
        {"compose.yaml": "services:\n  a: {build: .}\n  b: {build: ., profiles: [debug]}\n"},
        COMPOSE_PROFILES="x, debug",
    ),
    "COMPOSE_PROFILES in .env": files(
        {"compose.yaml": "services:\n  b: {build: ., profiles: [debug]}\n", ".env": "COMPOSE_PROFILES=debug\n"}
    ),
    "variables in names": files({"compose.yaml": "services: {app: {image: '${R:-r}/${N}', build: .}}\n"}, N="n"),
}

EXTENDS = {
    "a service of the file": whole(
        "services:\n  base: {build: {context: b, args: {A: 1}, tags: [x]}}\n"
        "  app: {extends: {service: base}, build: {args: {B: 2}, tags: [y]}}\n"
    ),
    "by name alone": whole("services:\n  base: {build: b}\n  app: {extends: base, image: i}\n"),
    "a chain": whole(
        "services:\n  a: {build: a, platform: linux/arm64}\n  b: {extends: a, build: {target: b}}\n  c: {extends: b}\n"
    ),
    "another file": files(
        {
            "compose.yaml": "services: {app: {extends: {file: common/base.yaml, service: base}, image: app}}\n",
            "common/base.yaml": "services: {base: {build: {context: ./src, additional_contexts: {x: ../lib}}}}\n",
        }
    ),
    "a chain over files": files(
        {
            "compose.yaml": "services: {app: {extends: {file: a/a.yaml, service: x}}}\n",
            "a/a.yaml": "services:\n  x: {extends: {file: ../b/b.yaml, service: y}, build: {target: a}}\n",
            "b/b.yaml": "services:\n  y: {extends: z, build: {args: {Y: '${V}'}}}\n  z: {build: {context: ctx}}\n",
        },
        V="v",
    ),
    "profiles are taken over": whole(
        "services:\n  base: {build: b, profiles: [p]}\n  app: {extends: base, image: x}\n", profiles=("p",)
    ),
    "a cycle": whole("services:\n  a: {extends: b, image: x}\n  b: {extends: a, image: x}\n"),
    "itself": whole("services:\n  a: {extends: a, image: x}\n"),
    "a cycle over files": files(
        {
            "compose.yaml": "services: {a: {image: x, extends: {file: b.yaml, service: b}}}\n",
            "b.yaml": "services: {b: {extends: {file: compose.yaml, service: a}}}\n",
        }
    ),
    "no such service": whole("services:\n  a: {extends: none, image: x}\n"),
    "no such file": whole("services:\n  a: {extends: {file: none.yaml, service: a}, image: x}\n"),
    "no such service in a file": files(
        {
            "compose.yaml": "services: {a: {extends: {file: b.yaml, service: c}}}\n",
            "b.yaml": "services: {b: {image: x}}\n",
        }
    ),
    "with a reset": whole(
        "services:\n  base: {build: {context: b, args: {A: 1}, target: t}}\n"
        "  app: {extends: base, build: {args: !reset null, target: !override u}}\n"
    ),
    "an extending override": files(
        {
            "compose.yaml": "services: {app: {build: {context: a, args: {A: 1, B: 1}}}}\n",
            "compose.override.yaml": "services:\n  base: {build: {context: b, args: {B: 2}}}\n  app: {extends: base}\n",
        }
    ),
    "what is not overridden": files(
        {
            "compose.yaml": "services: {app: {extends: base}, base: {build: {context: a}}}\n",
            "compose.override.yaml": "services: {base: {build: {target: t}}}\n",
        }
    ),
}

INCLUDES = {
    "a file": files(
        {
            "compose.yaml": "include: [infra/compose.yaml]\nservices: {app: {build: .}}\n",
            "infra/compose.yaml": "services: {db: {build: ./db}}\n",
        }
    ),
    "paths and a folder": files(
        {
            "compose.yaml": "include:\n  - path: [a/one.yaml, a/two.yaml]\n    project_directory: p\n",
            "a/one.yaml": "services: {db: {build: ./db}}\n",
            "a/two.yaml": "services: {db: {build: {target: t}}}\n",
            "p/x": "",
        }
    ),
    "its .env": files(
        {
            "compose.yaml": "include: [infra/compose.yaml]\nservices: {app: {build: {args: [V]}}}\n",
            "infra/compose.yaml": "services: {db: {image: 'db:${V}-${W}', build: {args: {V: '${V}'}}}}\n",
            ".env": "W=outer\n",
            "infra/.env": "V=inner\nW=inner\n",
        }
    ),
    "env_file": files(
        {
            "compose.yaml": "include: [{path: infra/compose.yaml, env_file: other.env}]\n",
            "infra/compose.yaml": "services: {db: {image: 'db:${V}', build: .}}\n",
            "other.env": "V=other\n",
            "infra/.env": "V=inner\n",
        }
    ),
    "of an include": files(
        {
            "compose.yaml": "include: [a/compose.yaml]\nservices: {app: {build: .}}\n",
            "a/compose.yaml": "include: [b/compose.yaml]\nservices: {a: {build: a}}\n",
            "a/b/compose.yaml": "services: {b: {build: b}}\n",
        }
    ),
    "overridden by the file": files(
        {
            "compose.yaml": "include: [a.yaml]\nservices: {app: {build: {args: {A: 2}}}}\n",
            "a.yaml": "services: {app: {build: {context: a, args: {A: 1, B: 1}}}}\n",
        }
    ),
    "a cycle": files({"compose.yaml": "include: [a.yaml]\n", "a.yaml": "include: [compose.yaml]\n"}),
    "itself": files({"compose.yaml": "include: [compose.yaml]\n"}),
    "no such file": whole("include: [none.yaml]\nservices: {app: {build: .}}\n"),
    "extends what is included": files(
        {
            "compose.yaml": "include: [a/compose.yaml]\nservices: {app: {extends: base, build: {target: t}}}\n",
            "a/compose.yaml": "services: {base: {build: ./base}}\n",
        }
    ),
    "secrets": files(
        {
            "compose.yaml": "include: [a/compose.yaml]\nservices: {app: {build: {context: ., secrets: [s]}}}\n",
            "a/compose.yaml": "secrets: {s: {file: s.txt}}\nservices: {x: {image: x}}\n",
        }
    ),
    "include is a text": whole("include: a.yaml\nservices: {app: {build: .}}\n"),
}

DOCUMENTED = {
    f"{room}: {name}": case
    for room, cases in (
        ("fields", FIELDS),
        ("variables", VARIABLES),
        ("scalars", SCALARS),
        ("merge", MERGES),
        ("environment", ENVIRONMENTS),
        ("extends", EXTENDS),
        ("include", INCLUDES),
    )
    for name, case in cases.items()
}
