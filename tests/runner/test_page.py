"""DIR/index.html: all of a sweep on one page, which a browser sorts and filters, and which nothing typed can break."""

import base64
import json

import numpy as np
import pytest
from browser import Table, needs_browser, opened
from PIL import Image

from rnnkit.runner.tables import page
from rnnkit.runner.tables.formats import to_csv

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">&'\""
TABLE = """seq_len,clip,cell,out,rate,note,status,n
10,none,tanh,jobs/a,0.123456789,,done,8
20,1.0,tanh,jobs/b,,,missing,8
5,0.5,lstm,jobs/c,-1e-05,,done,8
100,none,lstm,jobs/d,-2.5,,done,8
"""
CLAIMS = """claim,class,statement,source,kind,bar,margin,reason,measured,se,verdict,n
Y1,direction,a < b,s,below,0.0,0.0,r,1.0,0.1,fails,8
"""
MADE = {"jobs": 4, "numpy": {"2.4": 3, "2.5": 1}, "host": {"here": 4}, "started": ["a", "b"], "seconds": 1.5}


@pytest.fixture
def sweep(tmp_path):
    """Return the folder of a small sweep with a page."""
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    (tmp_path / "provenance.json").write_text(json.dumps(MADE))
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "lags.png")
    page.write(tmp_path, "toy", "What does it ask?", ["rnnkit run toy -m 'out=a b'"])
    return tmp_path


def text_of(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def test_one_file_holds_all_and_loads_nothing(sweep):
    text = text_of(sweep)
    picture = base64.b64encode((sweep / "lags.png").read_bytes()).decode()
    parts = ["<h1>toy</h1>", "What does it ask?", "4 jobs: 3 done, 1 missing", "rnnkit run toy -m &#x27;out=a b&#x27;"]
    parts += [picture, "a &lt; b", "numpy", "2.4 (3 jobs), 2.5 (1 job)", "a to b", '<p class="soft">n = 8</p>']
    for part in parts:
        assert part in text
    for word in ("http:", "https:", "<link", 'src="/', "@import", "url("):
        assert word not in text


def test_without_a_script_the_table_is_there(sweep):
    table = Table(text_of(sweep))
    assert table.rows[0] == ["status", "seq_len", "clip", "cell", "rate"]
    assert table.rows[1] == ["done", "10", "none", "tanh", "0.1235"]
    assert table.column("rate") == ["0.1235", "", "-1e-05", "-2.5"]


@needs_browser
@pytest.mark.parametrize(
    ("fragment", "order"),
    [
        ("", ["10", "20", "5", "100"]),
        ("#sort=seq_len", ["5", "10", "20", "100"]),
        ("#sort=-seq_len", ["100", "20", "10", "5"]),
        ("#sort=rate", ["100", "5", "10", "20"]),
        ("#sort=-rate", ["10", "5", "100", "20"]),
        ("#sort=clip", ["5", "20", "10", "100"]),
        ("#find=lstm", ["5", "100"]),
        ("#find=clip=none", ["10", "100"]),
        ("#find=seq_len%3E=10+status!=missing&sort=-seq_len", ["100", "10"]),
        ("#find=rate%3C-0.00002", ["100"]),
        ("#find=rate=0.123456789", ["10"]),
        ("#find=rate=0.1235", ["10"]),
        ("#find=nothing", []),
        ("#sort=gone&find=", ["10", "20", "5", "100"]),
    ],
)
def test_a_browser_sorts_and_filters_by_the_address(sweep, fragment, order):
    table = Table(opened(sweep / "index.html", fragment))
    assert table.column("seq_len") == order
    assert table.texts["count"] == f"{len(order)} of 4 rows"


@needs_browser
@pytest.mark.parametrize(
    ("clicks", "order", "sort"),
    [(1, ["5", "10", "20", "100"], "ascending"), (2, ["100", "20", "10", "5"], "descending"),
     (3, ["10", "20", "5", "100"], None)],
)  # fmt: skip
def test_a_click_sorts_the_next_turns_and_the_third_undoes(sweep, clicks, order, sort):
    click = "document.querySelectorAll('#table thead button')[1].click();" * clicks
    (sweep / "clicked.html").write_text(text_of(sweep).replace("</body>", f"<script>{click}</script></body>"))
    table = Table(opened(sweep / "clicked.html"))
    assert (table.column("seq_len"), table.heads[1]) == (order, sort)


@needs_browser
def test_what_is_typed_filters(sweep):
    typed = "find.value = 'seq_len<100 tanh'; find.dispatchEvent(new Event('input')); document.title = location.hash;"
    (sweep / "typed.html").write_text(text_of(sweep).replace("</body>", f"<script>{typed}</script></body>"))
    table = Table(opened(sweep / "typed.html"))
    assert table.column("seq_len") == ["10", "20"]
    assert table.texts["title"] == "#find=seq_len%3C100+tanh"


def hostile(folder):
    """Return the page of a sweep in which every name and value is an attack."""
    frame = page.read_csv(folder / "table.csv").rename(columns={"cell": HOSTILE}).astype({HOSTILE: object})
    frame[HOSTILE] = [HOSTILE, "$title", "b", "</table>"]
    (folder / "table.csv").write_text(to_csv(frame))
    (folder / "claims.csv").write_text(CLAIMS.replace("a < b", '"' + HOSTILE.replace('"', '""') + '"'))
    (folder / "provenance.json").write_text(json.dumps(MADE | {HOSTILE: {HOSTILE: 1}}))
    return page.write(folder, HOSTILE, HOSTILE, [HOSTILE])


def test_hostile_names_stay_text(sweep):
    table = Table(hostile(sweep).read_text(encoding="utf-8"))
    assert (table.tags.count("script"), table.tags.count("img")) == (1, 1)  # the page's own, the picture's
    assert table.rows[0][3] == HOSTILE
    assert table.column(HOSTILE)[1:] == ["$title", "b", "</table>"]


@needs_browser
def test_hostile_names_run_nothing(sweep):
    table = Table(opened(hostile(sweep), "#sort=seq_len&find=" + "%3Cscript%3E"))
    assert table.texts["title"] == HOSTILE
    assert table.tags.count("img") == 1


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [420, 1400])
def test_it_is_light_or_dark_and_as_wide_as_the_window(sweep, width, dark):
    shot = sweep / "shot.png"
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    opened(sweep / "index.html", "", f"--screenshot={shot}", f"--window-size={width},900", "--hide-scrollbars", *scheme)
    picture = np.asarray(Image.open(shot).convert("L"))
    assert picture.shape == (900, width)
    assert (np.median(picture) < 60) == dark
    wide = "document.title = document.documentElement.scrollWidth > innerWidth"
    (sweep / "wide.html").write_text(text_of(sweep).replace("</body>", f"<script>{wide}</script></body>"))
    assert Table(opened(sweep / "wide.html", "", f"--window-size={width},900")).texts["title"] == "false"


def test_a_table_of_many_rows_ends_where_a_browser_would_be_slow(sweep, monkeypatch):
    monkeypatch.setattr(page, "MOST_ROWS", 3)
    text = page.write(sweep, "toy").read_text(encoding="utf-8")
    assert len(Table(text).rows) == 4
    assert "1 more row: table.csv has all" in text


def test_a_sweep_of_one_job_without_pictures_has_a_page(tmp_path):
    (tmp_path / "table.csv").write_text("a,status\n1,done\n")
    text = page.write(tmp_path, "toy").read_text(encoding="utf-8")
    assert Table(text).rows == [["a", "status"], ["1", "done"]]
    assert "<h2>Pictures</h2>" not in text
    assert "<h2>Verdicts</h2>" not in text


def test_the_question_is_the_experiments_own(tmp_path):
    (tmp_path / "a.py").write_text('"""What is it?\n\nMore."""\n')
    (tmp_path / "b.py").write_text("not python (")
    assert [page.question_of(tmp_path / name) for name in ("a.py", "b.py", "gone.py")] == ["What is it?", "", ""]
