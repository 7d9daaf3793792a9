"""A character-level language model: the article's "hello world", or a text you name.

Method. Characters in, the logits of the next one out, softmax cross-entropy. The text is cut into batch_size parts,
read side by side in windows of seq_len steps with the state carried over (truncated BPTT with k1 = k2 = seq_len) and
set to zero at the start of each pass. Adam, clipped norm. Bits per character are measured from a state of zeros over
the last tenth of the text, which is not trained on; a text under 1,000 characters is measured on itself. Beside them
stands what the frequencies of single characters give. Elman (1990); Mikolov et al. (2010); Karpathy's min-char-rnn.

    python experiments/character_model.py cell=lstm path=TEXT.txt temperature=0.5
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from common.cells import CellConfig, CellName, by_cell
from pydantic import Field, model_validator
from tqdm import tqdm

import rnnkit
from rnnkit.kernels import clip_by_norm
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import NamesFile
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import learning_curves

BUDGET_MINUTES = {"quick": 0.05}
COLUMNS = ["characters", "alphabet", "parameters", "bits_per_character", "unigram_bits", "sample", "status", "n"]
WITHOUT_SPREAD = ("bits_per_character", "sample")  # of one training
ENOUGH_TO_HOLD_OUT = 1000  # characters
BY_HEART = Claim(
    claim="S10",
    class_="direction",
    kind="below",
    statement="character model, {cell}: bits per character of {text!r}",
    source="the seed article's character model, trained",
    bar=0.05,
    reason="every character but the first, which nothing announces, is all but certain",
)


class Config(CellConfig):
    """Keys of a job."""

    text: str = Field(min_length=2, description="a text of 2 characters or more")
    path: Annotated[str, NamesFile(lambda path: path != "none")] = Field(
        min_length=1, description="none or the path of a text file"
    )
    cell: CellName
    layers: int = Field(ge=1, le=16, description="an integer from 1 to 16")
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    seq_len: int = Field(ge=1, le=100_000, description="an integer from 1 to 100000")
    batch_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    updates: int = Field(ge=1, le=10_000_000, description="an integer from 1 to 10000000")
    learning_rate: float = Field(gt=0, le=10, description="a number above 0, up to 10")
    clip: float = Field(
        gt=0, le=1e6, description="a number above 0, up to 1e6 (the largest joint norm of the gradients)"
    )
    temperature: float = Field(ge=1e-3, le=100, description="a number from 0.001 to 100")
    sample_length: int = Field(ge=1, le=1_000_000, description="an integer from 1 to 1000000")

    @model_validator(mode="after")
    def _a_file_of_text(self) -> "Config":
        try:
            length = len(self.the_text())
        except UnicodeDecodeError as error:
            raise ValueError(f"path must be none or a UTF-8 text file, got {self.path} ({error})") from None
        if length < 2:
            raise ValueError(f"path must be a text of 2 characters or more, got {self.path}, which has {length}")
        return self

    def the_text(self) -> str:
        """Return what the net learns to write; a byte-order mark at the start of a file is none of it."""
        return self.text if self.path == "none" else Path(self.path).read_text(encoding="utf-8-sig")


def parts_of(symbols: np.ndarray, config: Config) -> np.ndarray:
    """Return the text (steps + 1, parts): consecutive parts side by side, each a step longer than it is predicted."""
    parts = max(1, min(config.batch_size, (len(symbols) - 1) // config.seq_len))
    steps = (len(symbols) - 1) // parts
    return np.stack([symbols[i * steps : (i + 1) * steps + 1] for i in range(parts)], axis=1)


def train(net: rnnkit.RNN, parts: np.ndarray, config: Config) -> list[dict]:
    """Read the parts again and again; return the mean training bits of every tenth of the updates."""
    optimizer, history, state, start, recent = (
        rnnkit.training.optimizers.Optimizer("adam", config.learning_rate),
        [],
        None,
        0,
        [],
    )
    for update in tqdm(range(1, config.updates + 1), desc=config.cell, disable=None):
        end = min(start + config.seq_len, len(parts) - 1)
        x, target = parts[start:end].copy(), parts[start + 1 : end + 1].copy()
        loss, gradients, trace = net.loss_and_gradients(x, target, loss="softmax", state=state)
        clip_by_norm(tuple(gradients.parameters.values()), config.clip)
        optimizer.step(net.parameters, gradients.parameters)
        recent.append(loss / np.log(2))
        last = end == len(parts) - 1
        start, state = (0, None) if last else (end, trace.state)
        if update % max(1, config.updates // 10) == 0:
            history.append({"update": update, "bits": float(np.mean(recent))})
            recent = []
    return history


def bits_per_character(net: rnnkit.RNN, symbols: np.ndarray) -> float:
    """Return the mean -log2 probability of each character after the first, from a state of zeros."""
    trace = net.forward(symbols[:-1, None].copy())
    return net.loss(trace, symbols[1:, None].copy(), "softmax").value / np.log(2)


def unigram_bits(trained: np.ndarray, measured: np.ndarray, n: int) -> float:
    """Return the mean -log2 of the characters' frequencies in `trained` (add one) over `measured`."""
    counts = np.bincount(trained, minlength=n) + 1.0
    return float(-np.log2(counts / counts.sum())[measured[1:]].mean())


def measure(config: Config) -> Measurement:
    """Train one model, measure it, and let it write."""
    text = config.the_text()
    alphabet = sorted(set(text))
    symbols = np.searchsorted(alphabet, list(text))
    held_out = len(text) // 10 if len(text) >= ENOUGH_TO_HOLD_OUT else 0
    trained, measured = (symbols[:-held_out], symbols[-held_out:]) if held_out else (symbols, symbols)
    n = len(alphabet)
    net = rnnkit.RNN(n, config.hidden_size, n, cell=config.the_cell, layers=config.layers, seed=config.seed)
    history = train(net, parts_of(trained, config), config)
    rng = streams(config.seed).evaluation
    written = rnnkit.generate(
        net, trained[:1], config.sample_length, lambda logits: rnnkit.sample(logits, rng, config.temperature)
    ).x[:, 0]
    row = {"characters": len(text), "alphabet": n, "parameters": net.num_parameters, "n": len(measured) - 1}
    row |= {"bits_per_character": bits_per_character(net, measured), "unigram_bits": unigram_bits(trained, measured, n)}
    row["sample"] = alphabet[trained[0]] + "".join(alphabet[s] for s in written)
    print(f"{net}\n{row['bits_per_character']:.3f} bits per character; it writes:\n{row['sample']}\n")
    return Measurement(row | {"status": "done"}, history=history)


def draw(folder: Path) -> None:
    """Draw the training bits against updates."""
    tables = read(folder)
    table, by = by_cell(tables.table, "cell")
    history = tables.history.merge(table[["out", by]], on="out")
    learning_curves(history, by, "bits", folder / "bits.png", "bits per character, training")


def claims(tables: Tables) -> list[Judgement]:
    """Return one claim for each cell: it has learned the article's text by heart."""
    own = tables.table[tables.table.path == "none"]
    return [
        BY_HEART.judge(row.bits_per_character, 0.0, row.n, cell=row.cell, text=row.text) for row in own.itertuples()
    ]


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
