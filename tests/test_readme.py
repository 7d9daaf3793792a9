"""The README's Python examples run and print what it says."""

import doctest
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_every_example_prints_what_the_readme_says():
    failed, tried = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
    assert tried > 20  # the examples are there
