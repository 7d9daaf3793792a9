"""Every message of the toolkit, found in its source: its place, and its words with a mark for each value."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
ANY = "{}"  # what stands for a value that is not known before the program runs
SAYS = r"\S.* must (be|have|name|hold|return|count|draw) |\S.* cannot be combined with "  # a text that is a message
# Functions that say a message, and which argument it is.
CALLS = {"fail": 1, "error": 0, "warn": 0, "exit": 0, "print": 0}


class Message(NamedTuple):
    """A message in the source."""

    path: str
    line: int
    end: int
    kind: str  # the exception, the function that says it, or "text": something else says it
    text: str  # with ANY for each value

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def passed_on(self) -> bool:
        """Return whether its words stand elsewhere: it is another error's text, or a variable."""
        return not re.search("[a-z]", self.text)

    @property
    def is_specific(self) -> bool:
        """Return whether its own words tell it from others; "{} must be {}, got {}" is one of many."""
        own = "".join(re.findall(r"\b(?!must|be|got)[A-Za-z]+", self.text))
        return len(own) >= 12 or self.kind in ("text", "print")

    def is_in(self, text: str) -> bool:
        parts = re.split(re.escape(ANY), self.text)
        return re.search(".*?".join(map(re.escape, parts)), text) is not None


def sources() -> list[Path]:
    found = [*ROOT.glob("rnnkit/**/*.py"), *ROOT.glob("experiments/*.py"), *ROOT.glob("experiments/common/*.py")]
    return sorted(path for path in found if "reference" not in path.relative_to(ROOT).parts)


def messages(source: str, path: str = "") -> list[Message]:
    """Return what a module raises, warns of, prints to stderr, and other texts that say what must be."""
    tree = ast.parse(source)
    found = []
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        known = _texts(tree) | (_texts(scope) if scope is not tree else {})
        for node in _of_scope(scope):
            if (said := _said(node)) is not None:
                kind, text = said
                shown = "" if text is None else _template(text, known)
                found.append(Message(path, node.lineno, node.end_lineno, kind, shown))
    places = {line for message in found for line in range(message.line, message.end + 1)}
    named = {id(text) for scope in ast.walk(tree) for text in _texts(scope).values()}  # with the message that has it
    for node in _text_nodes(tree):
        if node.lineno not in places and id(node) not in named and re.search(SAYS, shown := _template(node, {})):
            found.append(Message(path, node.lineno, node.end_lineno, "text", shown))
    return sorted(found, key=lambda message: message.line)


def _text_nodes(tree: ast.AST) -> Iterator[ast.expr]:
    """Walk the texts in a module, whole, but no docstring."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    parts |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in parts:
            yield node


def all_messages() -> list[Message]:
    return [
        message
        for path in sources()
        for message in messages(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]


def _of_scope(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a module or a function, but no function inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _of_scope(child)


def _texts(scope: ast.AST) -> dict[str, ast.expr]:
    """Return the names that a scope gives a text once, and the texts."""
    pairs = [(n.targets[0].id, n.value) for n in _of_scope(scope)
             if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]  # fmt: skip
    names = [name for name, _ in pairs]
    return {name: v for name, v in pairs if names.count(name) == 1 and _template(v, {}) != ANY}


def _said(node: ast.AST) -> tuple[str, ast.expr | None] | None:
    """Return (kind, text) of a node that says a message; no text where it raises without one."""
    call = node.exc if isinstance(node, ast.Raise) else node
    name = _name(call.func) if isinstance(call, ast.Call) else _name(call)
    if isinstance(node, ast.Raise) and re.match("_?[A-Z]", name):
        return name, (call.args or [None])[0] if isinstance(call, ast.Call) else None
    to_stderr = isinstance(node, ast.Call) and any(_name(k.value) == "stderr" for k in node.keywords)
    if not isinstance(node, ast.Call) or name not in CALLS or (name == "print" and not to_stderr):
        return None
    return (name, node.args[CALLS[name]]) if len(node.args) > CALLS[name] else None


def _name(node: ast.AST | None) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _template(node: ast.AST, known: dict[str, ast.expr]) -> str:
    """Return a text as it is written, with ANY for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part, known) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left, known) + _template(node.right, known)
    if isinstance(node, ast.FormattedValue):
        return _template(node.value, known) if isinstance(node.value, ast.Name) else ANY
    if isinstance(node, ast.Call) and _name(node.func) == "format":
        return re.sub(r"{\w*}", ANY, _template(node.func.value, known))
    if not isinstance(node, ast.Name) or node.id not in known:
        return ANY
    return _template(known[node.id], {name: text for name, text in known.items() if name != node.id})
