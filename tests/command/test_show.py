"""`rnnkit show`: a table on a terminal, its pictures, its page."""

import webbrowser

import pytest

TABLE = """seq_len,radius,out,growth_rate_of_states_se,status,n
10,0.5,jobs/a,-0.123456789,done,8
20,0.5,jobs/b,,missing,8
30,1.5,jobs/c,0.25,done,8
"""


@pytest.fixture
def sweep(tmp_path):
    for name, text in {"table.csv": TABLE, "nets.csv": "", "lags.csv": "", "a.png": "", "index.html": ""}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_table_fits_and_files_are_named(rnnkit, sweep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    done = rnnkit("show", sweep)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "n = 8",
        "",
        "                            growth_",
        "                           rate_of_",
        " status  seq_len  radius  states_se",
        "   done       10     0.5    -0.1235",
        "missing       20     0.5",
        "   done       30     1.5       0.25",
        str(sweep / "a.png"),
        str(sweep / "index.html"),
    ]


def test_what_does_not_fit_is_named(rnnkit, sweep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    lines = rnnkit("show", sweep, "--rows", "1").stdout.splitlines()
    assert max(map(len, lines[:-2])) <= 30
    assert " ".join(lines[5:-2]) == "  done       10     0.5 and 2 more rows; 1 more column: growth_rate_of_states_se"


def test_integers_stay_integers_where_a_job_has_none(rnnkit, sweep):
    (sweep / "table.csv").write_text("updates,out,status,n\n1,jobs/a,done,12000\n2,jobs/b,missing,\n")
    assert rnnkit("show", sweep).stdout.splitlines()[:3] == [
        " status  updates      n",
        "   done        1  12000",
        "missing        2",
    ]


def test_columns_may_be_chosen(rnnkit, sweep):
    lines = rnnkit("show", sweep, "--columns", "status, seq_len").stdout.splitlines()
    assert lines[:2] == [" status  seq_len", "   done       10"]


def test_a_column_that_is_not_there_is_refused(rnnkit, sweep):
    done = rnnkit("show", sweep, "--columns", "seqlen")
    known = "seq_len, radius, out, growth_rate_of_states_se, status, n"
    assert done.stderr == f"rnnkit show: --columns must be among {known}, got seqlen; did you mean seq_len?\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_a_number_of_rows_that_is_none_is_refused(rnnkit, sweep):
    done = rnnkit("show", sweep, "--rows=-1")
    assert "argument --rows: must be an integer >= 0, got -1" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_a_folder_without_a_sweep_is_refused(rnnkit, tmp_path):
    done = rnnkit("show", tmp_path)
    wanted = f"rnnkit show: folder must be the `out` of a sweep, got {tmp_path}, which has no table.csv\n"
    assert (done.returncode, done.stderr) == (2, wanted)


def test_its_page_is_opened_where_that_is_asked_for(rnnkit, sweep, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    rnnkit("show", sweep)
    assert opened == []
    assert rnnkit("show", sweep, "--open").returncode == 0
    assert opened == [(sweep / "index.html").as_uri()]
    (sweep / "index.html").unlink()
    done = rnnkit("show", sweep, "--open")
    assert (done.returncode, len(opened)) == (1, 1)
    assert done.stderr.endswith(f"rnnkit collect {sweep} writes it\n")


def test_one_row_is_told_by_its_results(rnnkit, sweep):
    (sweep / "table.csv").write_text("seq_len,clip,out,rate,note,status,n\n10,none,jobs/a,-0.5,,done,8\n")
    assert rnnkit("show", sweep).stdout.splitlines()[:5] == [
        "seq_len = 10, clip = none", "", "rate    -0.5", "status  done", "n       8"
    ]  # fmt: skip


def test_a_column_named_twice_is_shown_once(rnnkit, sweep):
    assert rnnkit("show", sweep, "--columns", "n,n").stdout.splitlines()[0].split() == ["n"]


def test_what_is_no_sweep_with_tables_is_told_apart(rnnkit, tmp_path):
    wanted = "rnnkit show: folder must be the `out` of a sweep, got"
    assert rnnkit("show", "gone").stderr == f"{wanted} gone, which is not there\n"
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "plan.json").touch()
    assert rnnkit("show", "begun").stderr.endswith("whose tables are still to be made: rnnkit collect begun\n")
    (tmp_path / "begun" / "table.csv").write_text("a\n1\n")
    assert "rnnkit show: folder must have the tables of a sweep, got begun (" in rnnkit("show", "begun").stderr
