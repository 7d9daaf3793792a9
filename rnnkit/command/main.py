"""What is typed after `rnnkit`: one of its words, or a question about itself."""

import os
import sys
from importlib import import_module
from pathlib import Path

from rnnkit.command.words import COMPLETION, FILES, HELP, VERSION, WRONG_USE, summary
from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import did_you_mean


def main(arguments: list[str] | None = None) -> None:
    """Do what the arguments say, by default those of the process, and end it with an exit code."""
    try:
        sys.exit(_do(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more is said, at exit neither
        sys.exit(1)


def _do(words: list[str]) -> int | None:
    word = words[0] if words else HELP[-1]
    if word in HELP:
        print(usage())
        return 0
    others = {**dict.fromkeys(VERSION, "version"), **dict.fromkeys(COMPLETION, "completion")}
    if file := (FILES | others).get(word):
        return import_module(f"rnnkit.command.{file}").run(words[1:])
    is_experiment = word.endswith(".py") or word in shipped.experiments()
    meant = f"; did you mean rnnkit run {word}?" if is_experiment else did_you_mean(word, FILES)
    print(f"rnnkit: WORD must be one of {', '.join(FILES)}, got {word}{meant}", file=sys.stderr)
    return WRONG_USE


def usage() -> str:
    """Return a line for each word."""
    files = {word: Path(__file__).with_name(f"{name}.py") for word, name in FILES.items()}
    words = [f"  {word:10} {summary(file.read_text(encoding='utf-8'))}" for word, file in files.items()]
    return "\n".join([
        "usage: rnnkit WORD ...", "", *words, "",
        "  --version                        versions of all that results and speed depend on, for a report",
        "  --shell-completion install=bash  print the completion script of bash (or fish)", "",
        "rnnkit WORD --help says more.",
    ])  # fmt: skip
