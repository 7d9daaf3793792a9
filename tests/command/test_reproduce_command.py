"""`rnnkit reproduce`, from an installation: what it writes, and what it does not."""

from pathlib import Path

import pytest
import reproduce

from rnnkit.runner import shipped


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Pretend that rnnkit came in a wheel."""
    beside = tmp_path / "site" / "rnnkit_shipped"
    (beside / "results").mkdir(parents=True)
    monkeypatch.setattr(shipped, "INSTALLED", beside)
    monkeypatch.chdir(tmp_path)
    return beside


def test_new_tables_go_to_the_working_folder(installed, tmp_path):
    assert reproduce.made_in() == tmp_path / "outputs" / "reproduce"
    assert reproduce.made_in(Path("here")) == Path("here")


def test_a_checkout_has_them_below_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reproduce.made_in() == shipped.PACKAGE.parent / "outputs" / "reproduce"


@pytest.mark.parametrize("flag", ["--renew", "--judge-only"])
def test_what_is_installed_is_not_written_to(installed, monkeypatch, flag):
    results = installed / "results"
    monkeypatch.setattr("sys.argv", ["rnnkit reproduce", flag, "--results", str(results)])
    monkeypatch.setattr(reproduce, "renew", lambda *_: pytest.fail("it writes"))
    wanted = f"--results must be a folder of yours with --renew or --judge-only, got {results}"
    with pytest.raises(reproduce.UsageError, match=wanted):
        reproduce.main()
    assert list(results.iterdir()) == []


def test_an_experiment_that_is_not_there_gets_the_known_ones(rnnkit):
    done = rnnkit("reproduce", "--only", "ltach")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rnnkit reproduce: --only must name experiments among adding, ")
    assert done.stderr.endswith("got ltach; did you mean latch?\n")
