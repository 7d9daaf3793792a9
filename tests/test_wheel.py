"""The wheel, in an empty folder without a checkout, does what the command says, and is left as it was installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rnnkit

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 300  # seconds of one command: the first may compile kernels
LARGEST = 8_000_000  # bytes of the wheel, most of them committed tables
FLOW = ("run", "gradient_flow", "-m", "hidden_size=8", "replicates=2", "batch_size=2", "out=flow")


class House:
    """A folder with the wheel installed beside nothing, and a working folder."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.wheel, self.site, self.here = wheel, folder / "site", folder / "here"
        self.here.mkdir()
        python("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index",
               "--no-compile", "--target", self.site, wheel)  # fmt: skip

    def rnnkit(self, *words: str) -> str:
        """Run the command; return what it said, once it has ended well."""
        environment = os.environ | {"PYTHONPATH": str(self.site)}
        return python(self.site / "bin" / "rnnkit", *words, cwd=self.here, env=environment)

    def files(self) -> dict[Path, bytes]:
        """Return what is installed; Python keeps bytecode beside it."""
        return {path: path.read_bytes() for path in self.site.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def python(*words, **options) -> str:
    line = [sys.executable, *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=TIMEOUT, **options)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not here")
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return House(folder, wheel)


def test_it_holds_what_the_command_needs_and_no_more(house):
    names = {path.relative_to(house.site).as_posix() for path in house.files()}
    assert house.wheel.name == f"rnnkit-{rnnkit.__version__}-py3-none-any.whl"
    assert house.wheel.stat().st_size < LARGEST
    shipped = {name.removeprefix("rnnkit_shipped/") for name in names if name.startswith("rnnkit_shipped/")}
    own = {*ROOT.glob("conf/**/*.yaml"), *ROOT.glob("experiments/*.py"), *ROOT.glob("experiments/common/*.py")}
    tables = {path for preset in ("quick", "laptop") for path in ROOT.glob(f"results/{preset}/*/*.csv")}
    assert {path.relative_to(ROOT).as_posix() for path in own | tables} <= shipped
    assert {Path(name).suffix for name in shipped} == {".py", ".yaml", ".csv", ".md", ".ipynb"}
    assert {name.split("/")[0] for name in names} == {
        "bin", "rnnkit", "rnnkit_shipped", f"rnnkit-{rnnkit.__version__}.dist-info"
    }  # fmt: skip


def test_it_works_in_an_empty_folder_and_stays_as_it_was(house):
    before = house.files()
    assert f"rnnkit    {rnnkit.__version__}\n" in house.rnnkit("--version")
    assert "gradient_flow  " in house.rnnkit("list")
    assert "1 done" in house.rnnkit(*FLOW, "seq_len=5")
    assert "3 done; 1 by an earlier start" in house.rnnkit(*FLOW, "seq_len=5,6,7", "hydra/launcher=local")
    assert "3 done" in house.rnnkit("collect", "flow")
    assert "rnnkit run gradient_flow" in (house.here / "flow" / "index.html").read_text()
    house.rnnkit("new", "mine")
    assert "growth_of_gradients.ipynb is written" in house.rnnkit("gallery", "growth_of_gradients")
    (house.here / "leaky.py").write_bytes((ROOT / "tests" / "user_cells" / "leaky.py").read_bytes())
    assert "claims Y1 2 holds" in house.rnnkit("run", "mine.py", "-m", "spectral_radius=0.5,1", "out=mine")
    assert "slope_se" in house.rnnkit("show", "mine")
    assert "2 done" in house.rnnkit(*FLOW[:-1], "cell=leaky.py", "constants.alpha=0.1,1", "out=leaky")
    assert "Leaky: right" in house.rnnkit("check", "leaky.py")
    said = house.rnnkit("reproduce", "--only", "jacobian_bounds")
    assert said.endswith("1 of 1 experiments agree with the committed tables\n")
    assert (house.here / "outputs" / "reproduce" / "quick" / "jacobian_bounds" / "table.csv").is_file()
    assert house.files() == before


def test_the_sources_build_the_same_wheel(house, tmp_path):
    python("-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, cwd=ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    python("-m", "tarfile", "--extract", archive, tmp_path)
    sources = tmp_path / archive.name.removesuffix(".tar.gz")
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path, cwd=sources)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.read_bytes() == house.wheel.read_bytes()
