"""`planner completion`: a script of a few lines for a shell, which asks `planner complete` on each TAB."""

from __future__ import annotations

import argparse

EXAMPLE = "planner completion fish | source"

BASH = """\
# In ~/.bashrc: source <(planner completion bash)
_planner() {
    mapfile -t COMPREPLY < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=("${COMPREPLY[@]%%$'\\t'*}")
}
complete -o default -F _planner planner
"""

ZSH = """\
# In ~/.zshrc, behind compinit: source <(planner completion zsh)
_planner() {
    local -a found
    found=("${(@f)$("$words[1]" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    found=("${(@)found:#}")
    found=("${(@)found//:/\\\\:}")
    found=("${(@)found/$'\\t'/:}")
    if (( $#found )); then _describe planner found; else _files; fi
}
compdef _planner planner
"""

FISH = """\
# In ~/.config/fish/config.fish: planner completion fish | source
function __planner_complete
    set -l before (commandline -opc)
    set -l found ($before[1] complete -- $before[2..-1] (commandline -ct) 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c planner -f -a '(__planner_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help=f"one of {', '.join(SCRIPTS)}")


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print(SCRIPTS[options.shell], end="")
    return 0
