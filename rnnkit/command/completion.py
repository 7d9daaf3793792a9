"""Completion by the shell: of words and names here, of an experiment's keys by Hydra.

    eval "$(rnnkit --shell-completion install=bash)"        in ~/.bashrc; in zsh after `autoload -U bashcompinit`
    rnnkit --shell-completion install=fish | source

The shell asks `rnnkit --shell-completion query=bash` with the line so far in COMP_LINE.
"""

import os
import re
import sys
from pathlib import Path

from rnnkit.command.find import experiment_file, launch_file
from rnnkit.command.words import FILES, WRONG_USE
from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import did_you_mean

BASH = r"""_rnnkit() {
    local line="${COMP_LINE:0:COMP_POINT}" word left
    word="${line##* }"
    COMPREPLY=($(compgen -W "$(COMP_LINE="$line" rnnkit --shell-completion query=bash 2>/dev/null)" -- "$word"))
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then  # bash completes what comes after the last =
        left="${word%"${word##*=}"}"
        COMPREPLY=("${COMPREPLY[@]#"$left"}")
    fi
    [[ ${COMPREPLY[0]} == *[=./] ]] || compopt +o nospace 2>/dev/null
}
complete -o nospace -o default -F _rnnkit rnnkit"""
FISH = "complete -c rnnkit -a '(env COMP_LINE=(commandline -cp) rnnkit --shell-completion query=fish)'"
SCRIPTS = {
    "install=bash": BASH,
    "install=fish": FISH,
    "uninstall=bash": "complete -r rnnkit; unset -f _rnnkit",
    "uninstall=fish": "complete -c rnnkit -e",
}
QUERIES = {"query=bash": " ", "query=fish": "\n"}  # what stands between two answers
AFTER_NAME = re.compile(r"\s*\S+\s+run\s+(\S+)\s(.*)", re.DOTALL)


def run(arguments: list[str]) -> int | None:
    """Print a script for a shell, or what completes COMP_LINE."""
    asked, known = " ".join(arguments), [*SCRIPTS, *QUERIES]
    if asked in SCRIPTS:
        print(SCRIPTS[asked])
    elif asked in QUERIES:
        line = os.environ.get("COMP_LINE", "")
        after = AFTER_NAME.fullmatch(line)
        if after:
            return _by_hydra(after[1], after[2], asked)
        print(QUERIES[asked].join(candidates(line)))
    else:
        close = did_you_mean(asked, known)
        print(f"rnnkit: --shell-completion must be one of {', '.join(known)}, got {asked}{close}", file=sys.stderr)
        return WRONG_USE
    return 0


def candidates(line: str) -> list[str]:
    """Return what the last word of a line may become, of rnnkit's own words and names."""
    words = line.split()[1:] + [""] * line.endswith(" ")
    if len(words) <= 1:
        found = [*FILES, "--version", "--help"]
    elif words[0] == "list":
        from rnnkit.command.names import KINDS

        found = list(dict.fromkeys([*KINDS, *(name for lines in KINDS.values() for name in lines())]))
    elif words[0] == "run" and len(words) == 2:
        found = [*shipped.experiments(), *(path.name for path in Path().glob("*.py"))]
    elif words[0] == "gallery":
        found = [*shipped.pages(), "--script"]
    elif words[0] == "reproduce":
        found = ["--only", "--preset", "--out"] if words[-2] != "--only" else list(shipped.experiments())
    else:
        return []  # the shell completes files
    return [one for one in found if one.startswith(words[-1] if words else "")]


def _by_hydra(name: str, rest: str, asked: str) -> int | None:
    """Have Hydra complete the keys of an experiment, as of a command whose name is rnnkit."""
    try:
        file = experiment_file(name)
    except ValueError:
        return 0
    os.environ["COMP_LINE"] = f"rnnkit {rest}"
    launch_file(file, ["--shell-completion", asked])
    return 0
