"""The words of the command `rnnkit`, and the file of each."""

import ast

FILES = {
    "list": "list_names",
    "run": "run",
    "show": "show",
    "collect": "collect",
    "reproduce": "reproduce",
    "new": "new",
    "gallery": "gallery",
    "check": "check",
    "warmup": "warmup",
}
HELP, VERSION, COMPLETION = ("-h", "--help"), ("-V", "--version"), ("-sc", "--shell-completion")
WRONG_USE = 2  # the exit code of argparse


def summary(text: str) -> str:
    """Return the first line of the docstring of Python source text; empty where it has none."""
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
