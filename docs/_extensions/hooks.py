"""What Sphinx calls: docstrings made reStructuredText, pages made tidy, a warning of public names that are nowhere."""

import inspect
from typing import Any

import docstrings
import public_names
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging


def _arguments(what: str, thing: Any) -> list[str]:
    """Return the names of a function's arguments, or of the fields of a class and of its constructor's arguments."""
    if what not in ("function", "method", "class", "exception"):
        return []
    try:
        names = [name for name in inspect.signature(thing).parameters if name != "self"]
    except (TypeError, ValueError):
        names = []
    return names + [name for name in getattr(thing, "__annotations__", {}) if name not in names]


def _process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    module = name if what == "module" else getattr(thing, "__module__", "") or ""
    lines[:] = docstrings.as_rst(lines, _arguments(what, thing), module)


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of a NamedTuple, which its own docstring and signature tell, and what pydantic adds."""
    if type(thing).__name__ == "_tuplegetter" or name in ("model_config", "model_post_init"):
        return True
    return None


def _tidy(app: Sphinx, docname: str, source: list[str]) -> None:
    """Take away the empty line that ends an example, which doctest needs and no reader does."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that is in no page, or that autodoc left out."""
    objects, logger = env.domains["py"].data, logging.getLogger(__name__)
    built = set(objects["objects"]) | set(objects["modules"])
    for name in [*public_names.undocumented(), *(name for name in public_names.documented() if name not in built)]:
        logger.warning("the reference must have %s, and has not", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-skip-member", _skip)
    app.connect("source-read", _tidy)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True}
