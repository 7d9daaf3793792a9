"""A wall: what a message about a wrong argument says, and in which words; `messages.py` finds them all."""

import re

import pytest
from messages import Message, all_messages, messages

# What the project once said for partition, direction, apply, local derivatives, config and so on.
DIALECT = r"\b(ways?|apart|cut|slopes?|settings?|other code|first matrix|has no place|goes on|ignorance)\b"
OTHERWISE = {  # messages of another form, by what they say, and why
    r" cannot be (read|kept in)\b.*\(": "a file is at fault, not its name: which, why, what to do",
    r"there is no such file|the file raises|the trial of .* raises": "a user's file is at fault: its place, its error",
    r"\bneed \S+, which is not installed|is not installed, there is no": "the machine is at fault: what to install",
    r"^unknown (key|argument) .*: known ": "a name is wrong: which are known",
    r"^(task |task=|drive=|\{\}, line )[^:]*: \{\}": "the place of faults that have the form themselves",
    r"^damaged$|^no \.npz$|^kind must be |holds addresses of": "it is caught, and told as a part of another",
    r"^gradients must be finite$|^activation must be one of": "what compiled code finds in arrays",
    r"must not share memory|NumPy that numba": ("what came has no value to show: the fault itself is told"),
    r"; set NUMBA|Versions that": "what to do stands behind it",
    r"^a package cannot|^\{\}: see --hydra-help$": "of the grammar of Hydra's",
}


def faults(message: Message) -> list[str]:
    """Return what is wrong with a message; those of a cell's class, behind its line, may name what is missing."""
    text, of_argument = message.text, message.kind in ("ValueError", "TypeError", "text")
    together, must = " cannot be combined with " in text, re.search(r"\bmust ", text)
    found = {
        "it says what is allowed": of_argument and not (must or together),
        "it says what came": of_argument and not together and must and not re.search(", got |is missing: ", text),
        "it says both values, and why": together and not re.search(r"(=.*|^\{\}) cannot .*=.*: \w|^--", text),
        "it is one sentence": re.search(r"[.;!?] ", text) is not None,
        "it is in the field's words": re.search(DIALECT, text) is not None,
    }
    return [rule for rule, broken in found.items() if broken]


def test_every_message_has_the_form():
    found = {
        f"{message.place}: {message.text}": faults(message)
        for message in all_messages()
        if not message.passed_on and not re.search("|".join(OTHERWISE), message.text)
    }
    assert len(found) > 200
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


FORM = "seq_len must be an integer >= 1, got {}"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (FORM, None),
        ("omega={} cannot be combined with cell={}: it has no W_hh", None),
        ("seq_len is too small, got {}", "it says what is allowed"),
        ("seq_len must be an integer >= 1", "it says what came"),
        ("omega cannot be combined with cell=lstm", "it says both values, and why"),
        ("omega={} cannot be combined with cell={}", "it says both values, and why"),
        (f"{FORM}. Give another one", "it is one sentence"),
        (f"{FORM}; give another one", "it is one sentence"),
        (f"{FORM}, which keeps two tasks apart", "it is in the field's words"),
    ],
)
def test_each_rule_sees_its_fault(text, rule):
    assert faults(Message("", 1, 1, "ValueError", text)) == ([rule] if rule else [])


SOURCE = """
MOST = 8
DAMAGED = "{path} is damaged"

def check(a):
    wanted = f"from {a} to {MOST}"
    raise ValueError(f"a must be {wanted}, "
                     "got " + repr(a))

class Net:
    def read(self, path):
        if path:
            raise OSError(DAMAGED.format(path=path)) from None
        fail(type(self), "states is missing", 3)
        print(f"{path}: read", file=sys.stderr)
        print("not an error")
        raise ValueError(str(error))
"""


def test_messages_are_found_with_their_places_and_values():
    found = messages(SOURCE, "a.py")
    assert [(m.line, m.kind, m.text) for m in found] == [
        (7, "ValueError", "a must be from {} to 8, got {}"),
        (13, "OSError", "{} is damaged"),
        (14, "fail", "states is missing"),
        (15, "print", "{}: read"),
        (17, "ValueError", "{}"),
    ]
    assert [m.passed_on for m in found] == [False] * 4 + [True]
    assert found[0].is_in("fault: a must be from 1 to 8, got 9")
    assert not found[0].is_in("a must be from 1 to 7, got 9")
