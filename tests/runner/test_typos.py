"""Whatever a user types is a sweep, or ends in one message: no traceback, no warning, nothing started or written."""

import re
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typed import EXPERIMENT, FLOW, typed

SCHEMA = EXPERIMENT.schema
KEYS = list(SCHEMA.model_fields)
EXAMPLES = 80
LONGEST = 22  # lines of a message: 20 faults, what stands before and after
TELLS = re.compile(r"usage:|Could not delete ''| is missing: |the same job|an empty one")  # without a word of the line
PRINTS = re.compile(r"-(h|i|c|-h|-v|-c|-i)")  # flags that show something and start nothing

VALID = [
    ["seq_len=5"],
    ["-m", "seq_len=5,80", "spectral_radius=0.5,1.5", "clip=none,1.0"],
    ["-m", "seq_len=range(5,9)", "gain=choice(none,1.5)", "force=true"],
    ["-m", "hidden_size=${seq_len}", "seq_len=5,6", "drive_variance=.5,1e-3"],
    ["preset=quick", "replicates=2"],
    ["-m", "cell=tanh,relu", "initializer=orthogonal", "hydra/launcher=local", "hydra.launcher.workers=1"],
    ["-m", "drive=digits", "seq_len=2,64", "dtype=float32", "seed=1,2", "stale=keep"],
    ["clip_mode=value", "batch_size=1", "clip=2", "out=runs/${now:%Y}", "++gain=2"],
]
VALUES = [
    "", "null", "none", "None", "NONE", "nan", "-nan", "inf", "-inf", "true", "false", "TRUE", "yes", "0", "-1",
    "1e400", "1e-400", "9" * 30, "9" * 400, "9" * 5000, "1.5", "5.0", "1_0", "0x10", "five", "[]", "[5]", "[5,6]",
    "[5],[6]", "{}", "{a:1}", "{a:1},{a:2}", "{null:1}", "{[1]:2}", "5,5", "5,", ",5", "5,,6", ",", "5, 6", "'5'",
    '"5"', "'5,6'", "'5", '"', "5 6", " ", "???", "\\", "5\\,6", "${seq_len}", "${gain}", "${oops}", "${oops", "${",
    "$", "${}", "${oops:1}", "${oc.env:OOPS}", "${now:}", "${now:%}", "${out}", "${hydra:runtime.cwd}",
    "${hydra.job.name}", "${seq_len},5", "'${oops}',5", "${.seq_len}", "${..x}", "${a.b.c}", "range(5)", "range(5,8)",
    "range(8,5)", "range(5,5)", "range(1,2,0)", "range(1,1e12)", "range(0,1,1e-300)", "range(0,inf)", "range(0,nan)",
    "range(a)", "range()", "range(1,2,3,4)", "range(1,", "shuffle(range(1,1000000000000))", "sort(range(9,5))",
    "sort(3,2,1)", "sort(a,1)", "sort()", "sort([3,2])", "shuffle(1,2)", "shuffle()", "interval(0,1)", "interval(1)",
    "choice()", "choice(5)", "choice(5,6)", "choice(choice(5))", "choice([1],[2])", "glob(*)",
    "glob([a*,b*],exclude=c)", "glob()", "tag(a,choice(5,6))", "tag(a)", "int(5.5)", "int(a)", "float(5)", "str(5)",
    "bool(2)", "json_str(5)", "oops(5)", "int(5,6)", "str(${seq_len})", "extend_list(5)", "é", "零", "\u202e5", "\x07",
    "a\nb", "🦊", "\udcff", "x" * 3000, "[" * 40, "{" * 40, "a:b", "a=b", "=", "@", "a@b", "~", "!", "#", "%", "`ls`",
    "*",
]  # fmt: skip
EXTRA = [
    "typo=1", "+typo=1", "++typo=1", "~typo", "~seq_len", "~seq_len=100", "~seq_len=5", "~preset", "~out", "seq_ln=5",
    "seq_ln=5,6", "+seq_len=5", "++seq_len=5", "+seq_len=5,6", "~seq_len=5,6", "seq_len", "=5", "seq_len==5",
    "seq_len=5=6", "seq_len:5", "seq_len.x=1", "+seq_len.x=1", "seq_len.x=1,2", "a.b=1", "+a.b=1", "+a.b.=1", ".=1",
    "+.a=1", "seq_len@x=5", "seq_len@x:y=5", "seq_len/x=5", "/seq_len=5", "seq_len=5/6", "preset=quik",
    "preset=quick,quik", "preset=quick,quick", "preset=quick", "preset=null", "preset=[quick]", "preset={a:1}",
    "preset=5", "preset=", "preset=glob(*)", "preset=range(2)", "+preset=quick", "++preset=quick", "~preset=quick",
    "preset@x=quick", "preset@_global_=quick", "preset@:x=quick", "presets=quick", "+presets=quick", "preset/quick=a",
    "preset.quick=1", "+group=a,b", "group=a", "/preset=quick", "hydra/launcher=locl", "hydra/launcher=joblib",
    "hydra/launcher=basic", "hydra/launcher=slurm", "hydra/launcher=ray", "hydra/launcher=serial,local",
    "hydra/launcher=null", "hydra/launcher=", "hydra/launcher=[local]", "~hydra/launcher", "+hydra/launcher=local",
    "hydra/launchr=local", "hydra.launcher=local", "hydra.launcher=null", "hydra.launcher=[]", "~hydra.launcher",
    "hydra.launcher.workers=0", "hydra.launcher.workers=true", "hydra.launcher.workers=1,2",
    "hydra.launcher.workers=[1]", "+hydra.launcher.typo=1", "hydra.launcher.typo=1", "++hydra.launcher.typo=1",
    "hydra.launcher.worker=1", "hydra.launcher.workers=${oops}", "hydra.launcher.workers=${seq_len}",
    "~hydra.launcher.workers", "~hydra.launcher._target_", "hydra.launcher._target_=oops", "hydra.launcher._target_=5",
    "hydra.launcher._target_=rnnkit.runner.launchers.oops.Oops",
    "hydra.launcher._target_=rnnkit.runner.launchers.Keys", "hydra.launcher._target_=null", "hydra/sweeper=oops",
    "hydra/sweeper=basic", "hydra.sweeper=null", "hydra.sweeper=5", "~hydra.sweeper", "hydra.sweeper.params=5",
    "hydra.sweeper.params=null", "hydra.sweeper.params={seq_len:5}", "+hydra.sweeper.params={seq_len:\"5,6\"}",
    "+hydra.sweeper.params.seq_len=oops(", "+hydra.sweeper.params={typo:1}", "+hydra.sweeper.params={+typo:1}",
    "+hydra.sweeper.params={seq_len:${oops}}", "hydra.sweeper.max_batch_size=0", "+hydra.sweeper.typo=1",
    "hydra.sweeper._target_=oops", "hydra.mode=RUN", "hydra.mode=MULTIRUN", "hydra.mode=oops", "hydra.mode=null",
    "~hydra.callbacks", "hydra.callbacks=null", "hydra.callbacks.sweep=null", "hydra.callbacks.sweep._target_=oops",
    "~hydra.callbacks.sweep", "hydra.callbacks={}", "+hydra.callbacks.mine=5", "hydra={callbacks:null}", "~hydra",
    "hydra=5", "hydra=null", "+hydra=5", "hydra={}", "hydra.typo=1", "+hydra.typo=1", "hydra.run.dir=x",
    "hydra.run.dir=${oops}", "hydra.sweep.dir=x", "hydra.searchpath=[file://oops]", "hydra.searchpath=5",
    "hydra.searchpath=[5]", "hydra.searchpath=[oops]", "hydra.searchpath=[pkg://oops]", "hydra.job.env_copy=[OOPS]",
    "hydra.job.name=x", "hydra.job.chdir=true", "hydra.overrides.task=[]", "hydra.overrides.task=[oops(]",
    "hydra.overrides=null", "hydra.runtime.choices=null", "hydra.job.config_name=oops", "hydra.output_subdir=null",
    "hydra/job_logging=oops", "hydra/hydra_logging=oops", "hydra.job_logging=5", "hydra.hydra_logging=5",
    "hydra.verbose=oops", "out=a,b", "out=a,a", "out=null", "out=", "out=5", "out=/dev/null/x", "out=" + "x" * 300,
    "out=~", "out=${seq_len}", "out=$x", "out=.", "force=true,false", "force=1", "force=yes", "stale=keep,stop",
    "stale=oops", "seed=-1", "seed=4294967296", "defaults=[]", "defaults=null", "+defaults=[oops]", "_self_=1",
    "+_target_=oops", "+_args_=[1]", "-1", "-x", "--oops", "--multirn", "-m", "-r", "--run", "--cfg", "--cfg=oops",
    "--cfg=job", "-c", "--resolve", "--package=oops", "--info=oops", "--info=config", "--config-name=oops",
    "--config-name=sweep", "--config-name=preset/quick", "--config-name=", "-cn", "--config-dir=oops",
    "--config-dir=/", "-cd", "--config-path=oops", "--config-path=/", "--config-path=", "-sc",
    "--experimental-rerun=oops", "--experimental-rerun", "--", "---", "-", "", "--help", "--version", "--hydra-help",
    "seq_len=5 clip=1", "seq_len =5", "seq_len= 5", " seq_len=5", "seq-len=5", "Seq_len=5", "SEQ_LEN=5", "é=5",
    "\udcff=5", "🦊", "seq_len=\udcff", "+é=1", "1=1", "+1=1", "+true=1", "+null=1", "+[a]=1", "+{a}=1", "null", "none",
    "[", "{", "'", '"', "$", "${oops}", "${oops}=1", "+${oops}=1", "+x=${oops}", "+x=${x}", "+x=1 ", "++", "+", "~",
    "~~seq_len", "+++x=1", "hidden_size=${hidden_size}", "gain=${clip}", "+seq_len=null", "+seq_len=[5]",
    "+seq_len={a:1}", "++seq_len={a:1}",
]  # fmt: skip


FOUND = [  # lines that ended in a traceback, hung, or wrote folders, and common slips
    (["typo=1"], "unknown key typo=1: known are seed, out"),
    (["seq_len=5,80"], "a sweep needs -m"),
    (["-m", "seq_len=5,"], "an argument must be key=value, got seq_len=5,: mismatched input"),
    (["preset=quik"], "preset must be one of quick, got quik; did you mean quick?"),
    (["-m", "hydra/launcher=local,serial"], "Sweeping over Hydra's configuration is not supported"),
    (["--config-name=oops"], "Cannot find primary config 'oops'"),
    (["--config-dir=oops"], "oops' not found"),
    (["seq_len=5,80", "-m", "--oops", "clip=1"], "unrecognized arguments: --oops"),
    (["=5"], "the line was: =5"),
    (["seq_len=5", ""], "an argument must be key=value, got an empty one: "),
    (["preset=null"], "the line was: preset=null"),
    (["preset=5"], "the line was: preset=5"),
    (["hydra/launcher=null"], "the line was: hydra/launcher=null"),
    (["hydra.launcher._target_=5"], "hydra/launcher must be serial, local, slurm or ray, got 5"),
    (
        ["hydra.launcher._target_=rnnkit.runner.launchers.oops.Oops"],
        "slurm or ray, got rnnkit.runner.launchers.oops.Oops",
    ),
    (["hydra.launcher._target_=rnnkit.runner.launchers.Keys"], "slurm or ray, got rnnkit.runner.launchers.Keys"),
    (["hydra.launcher._target_=null"], "hydra/launcher must be serial, local, slurm or ray, got None"),
    (["hydra.sweeper.params={seq_len:5}"], "hydra.sweeper.params"),
    (["-m", "hydra.sweeper=null"], "hydra/sweeper must be basic, got None: rnnkit plans its sweeps itself"),
    (["-m", "hydra.sweeper=5"], "hydra/sweeper must be basic, got 5: rnnkit plans"),
    (["hydra.callbacks.sweep=null"], "hydra.callbacks must be left to rnnkit, got hydra.callbacks.sweep=null"),
    (["~hydra.callbacks.sweep"], "hydra.callbacks must be left to rnnkit, got ~hydra.callbacks.sweep"),
    (["~hydra.callbacks"], "hydra.callbacks must be left to rnnkit, got ~hydra.callbacks"),
    (["-m", "hydra={callbacks:null}"], "hydra.callbacks must be left to rnnkit, got hydra={callbacks:null}"),
    (["hydra=5"], "the line was: hydra=5"),
    (["+hydra=5"], "the line was: +hydra=5"),
    (["+hydra.typo=1"], "unknown key hydra.typo=1: known are "),
    (["+hydra.sweeper.typo=1"], "unknown key hydra.sweeper.typo=1: known are _target_, max_batch_size, params"),
    (["hydra.job.env_copy=[OOPS]"], "KeyError: 'OOPS'"),
    (["--resolve"], "--resolve flag can only be used"),
    (["-m", "-r"], "Only one of --run, --multirun"),
    (["-sc"], "Expecting one subcommand"),
    (["--experimental-rerun=oops"], "oops"),
    (["--config-name=preset/quick"], "hidden_size is missing: it must be an integer from 1"),
    (["seq_len=" + "9" * 5000], "the line was: seq_len=999"),
    (["seq_len=" + "x" * 3000], "seq_len must be an integer from 1 to 1000000, got xxx"),
    (["-m", "seq_len=range(8,5)"], "seq_len must be one value or more, got range(8,5)"),
    (["-m", "seq_len=shuffle()"], "seq_len must be one value or more, got shuffle()"),
    (["-m", "seq_len=range(1,1e12)"], "seq_len must be at most 100000 values, got range(1,1e12)"),
    (["-m", "seq_len=range(0,1,1e-300)"], "at most 100000 values"),
    (["-m", "seq_len=range(0,inf)"], "at most 100000 values"),
    (["-m", "seq_len=range(0,nan)"], "seq_len=range(0,nan): cannot be read (InvalidOperation"),
    (["-m", "seq_len=shuffle(range(1,1000000000000))"], "at most 100000 values"),
    (
        ["-m", "seq_len=range(1,9999)", "seed=range(1,9999)"],
        "seq_len, seed must name at most 100000 jobs together, got 99960004",
    ),
    (
        ["-m", "seq_len=interval(0,1)"],
        "seq_len must be values one by one, as a,b or choice(a,b) or range(a,b,step), got interval(0,1)",
    ),
    (["-m", "gain=${gain}", "seq_len=5,6"], "gain=${gain}: Recursive interpolation detected"),
    (["-m", "hidden_size=${oops}", "seq_len=5,6"], "hidden_size=${oops}: Interpolation key 'oops' not found"),
    (["-m", "out=???"], "out=???: Missing mandatory value"),
    (["hydra/launcher=local", "hydra.launcher.workers=true"], "hydra.launcher.workers must be an integer from 1 to"),
    (["out=" + "x" * 3000], "xxx... (File name too long)"),
    (["-m", "seq_len@x=5,6"], "seq_len@x=5,6: a package cannot be combined with a key, only with a config group"),
    (["-m", "preset=quick,quick"], "preset must be one value at a time, since it brings a grid of its own, got quick,"),
    (["-m", "out=/dev/null/x", "seq_len=range(1,50)"], "out=/dev/null/x: not here"),
]
REAL = [  # (a line, what it says), in a process of its own
    (["seq_ln=5", "clip=None", "hydra/launcher=local", "hydra.launcher.workrs=1"], "did you mean seq_len?"),
    (["hydra/launcher=locl"], "got locl; did you mean local?"),
    (["-m", "preset=quick,laptop"], "preset must be one of quick, got laptop"),
    (["--cfg=oops"], "invalid choice: 'oops'"),
]


def judge(arguments):
    """Hold a command line against what this file says; return (sweep, shown or refused, what was said)."""
    end = typed(arguments)
    assert "Traceback" not in end.said, end.said
    assert not [w for w in end.warned if w.startswith("Callback")], end.warned
    if end.prepared:
        assert end.prepared.launcher
        assert end.prepared.work.jobs
        assert all(SCHEMA.model_validate(values) for values in end.jobs)
        return "sweep", end.said
    assert end.left == [], (end.left, end.said)
    if end.code in (0, None):
        assert any(PRINTS.match(a) for a in arguments), end.said
        return "shown", end.said
    lines = end.said.splitlines()
    assert len(lines) <= LONGEST, end.said
    assert max(map(len, lines)) < 1000, end.said
    parts = [part for a in arguments for part in (a, *re.findall(r"\w+", a)) if part]
    assert TELLS.search(end.said) or any(part in end.said for part in parts) or not parts, end.said
    return "refused", end.said


@pytest.mark.parametrize("arguments", VALID, ids=" ".join)
def test_a_line_without_a_typo_is_a_sweep(arguments):
    assert judge(arguments)[0] == "sweep"


@pytest.mark.parametrize(("arguments", "line"), FOUND, ids=[" ".join(a)[:50] for a, _ in FOUND])
def test_a_line_that_once_ended_badly_is_refused(arguments, line):
    kind, said = judge(arguments)
    assert kind == "refused"
    assert line in said


def test_all_faults_come_in_one_message():
    line = ["-m", "seq_ln=5", "+typo=1", "clip=NONE,1", "gain=${oops}", "seed=range(5,5)", "out=a,b",
            "force=true,false", "hydra/launcher=local", "hydra.launcher.workers=0", "hydra.launcher.thread=1",
            "+hydra.oops=1"]  # fmt: skip
    kind, said = judge(line)
    assert kind == "refused"
    faults = [
        fault.strip().removeprefix("unknown key ").replace("=", " ").split()[0] for fault in said.splitlines()[1:]
    ]
    assert sorted(faults) == sorted([
        "seq_ln", "typo", "clip", "gain", "gain", "seed", "out", "force", "hydra.launcher.workers",
        "hydra.launcher.thread", "hydra.oops",
    ])  # fmt: skip
    for part in ("did you mean seq_len?", "write it as none", "did you mean threads?"):
        assert part in said


def test_a_message_about_thousands_of_jobs_stays_short():
    _, said = judge(["-m", "seq_len=range(-3000,0)", "clip=foo"])
    lines = said.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 2981 more"
    assert sum("got foo" in line for line in lines) <= 1


def misspelt(draw, text):
    """Return text with one character lost, doubled, exchanged, put in, or its case changed."""
    at = draw(st.integers(0, max(0, len(text) - 1)))
    kind = draw(st.sampled_from(["lost", "doubled", "swapped", "stray", "case"]))
    if kind == "lost":
        return text[:at] + text[at + 1 :]
    if kind == "doubled":
        return text[: at + 1] + text[at:]
    if kind == "swapped":
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    if kind == "case":
        return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
    usual, any_other = list(",[](){}'\"$=:@/\\~+-.!#%*& \t\n0e"), st.characters(exclude_characters="\0")
    return text[:at] + draw(st.sampled_from(usual) | any_other) + text[at:]


def happens(draw, argument):
    """Return an argument after something has happened to it."""
    key, equals, value = argument.partition("=")
    kinds = {
        "key": lambda: misspelt(draw, key) + equals + value,
        "value": lambda: key + equals + misspelt(draw, value),
        "whole": lambda: misspelt(draw, argument),
        "other key": lambda: f"{draw(st.sampled_from(KEYS))}={value}",
        "other value": lambda: f"{key}={draw(st.sampled_from(VALUES))}",
        "one more value": lambda: f"{argument},{draw(st.sampled_from(VALUES))}",
        "prefix": lambda: draw(st.sampled_from(["+", "++", "~", "-", "--", "/", "hydra."])) + argument,
        "form": lambda: draw(st.sampled_from([key, f"{key}=", value, f"{key}:{value}", f"{key} = {value}"])),
    }
    return kinds[draw(st.sampled_from(list(kinds)))]()


@st.composite
def lines(draw):
    """Return a command line that was a valid one before up to three things happened to it."""
    line = list(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(line) - 1))
        what = draw(st.sampled_from(["typo", "typo", "extra", "another key"]))
        if what == "typo":
            line[at] = happens(draw, line[at])
        elif what == "extra":
            line.append(draw(st.sampled_from(EXTRA)))
        else:
            line.append(f"{draw(st.sampled_from(KEYS))}={draw(st.sampled_from(VALUES))}")
    return line


def test_whatever_is_typed_is_a_sweep_or_one_message():
    kinds = Counter()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(lines())
    def one(line):
        kinds[judge(line)[0]] += 1

    one()
    assert kinds["sweep"] > 0.05 * EXAMPLES
    assert kinds["refused"] > 0.5 * EXAMPLES


@pytest.mark.parametrize(("arguments", "line"), REAL, ids=[" ".join(a)[:50] for a, _ in REAL])
def test_a_typo_in_a_process_of_its_own(arguments, line, tmp_path):
    command = [sys.executable, str(FLOW), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert len(done.stderr.splitlines()) <= LONGEST
    assert list(tmp_path.iterdir()) == []
