"""A sequence in, another of its own length out: an encoder and a decoder learn to reverse digits and to write dates.

Method. `rnnkit.EncoderDecoder`, GRU or LSTM, teacher forcing, Adam with clipped norm, a learning rate that halves when
the loss on a fixed set of 1,000 fresh sequences stops falling. Every 250 updates the decoder answers those freely. At
the end it answers 10,000 sequences of an axis of its own: an answer is right when every symbol and its length are.

reverse   1 to max_length digits -> the same from the back
dates     "25 November 2026", "Nov 25, 2026", "25.11.2026", "11/25/2026", "Wednesday, November 25, 2026" -> "2026-11-25"

    python experiments/encoder_decoder.py -m task=reverse,dates cell=gru,lstm out=DIR
"""

import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from common.cells import CellConfig, CellName
from pydantic import Field
from tqdm import tqdm

import rnnkit
from rnnkit.kernels import clip_by_norm
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import learning_curves

BUDGET_MINUTES = {"quick": 0.8}
COLUMNS = ["accuracy", "accuracy_se", "loss", "updates_made", "parameters", "example", "status", "n"]
WITHOUT_SPREAD = ("accuracy", "accuracy_se", "loss", "updates_made", "example")  # of one training
DIGITS, DATE_SYMBOLS = "0123456789", "0123456789-"
FORMATS = ("%d %B %Y", "%b %d, %Y", "%d.%m.%Y", "%m/%d/%Y", "%A, %B %d, %Y")
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()
PRINTABLE = "".join(map(chr, range(32, 127)))
VALIDATION, TEST, EVERY = 1000, 10_000, 250
RIGHT = Claim(
    claim="S9",
    class_="direction",
    kind="above",
    statement="encoder-decoder, {cell}, {task}: share of fresh sequences answered without a fault",
    source="Sutskever, Vinyals, Le 2014, section 3.3; the seed article's encoder-decoder; tasks and bar chosen here",
    bar=0.99,
    reason="both tasks have one right answer to every sequence: all but a hundredth of them",
)


class Batch(NamedTuple):
    """Symbols (T, B) and (n, B), padded with 0 and with the end symbol, and their lengths (B,)."""

    x: np.ndarray
    target: np.ndarray
    lengths: np.ndarray
    target_lengths: np.ndarray


class Config(CellConfig):
    """Keys of a job."""

    task: Literal["reverse", "dates"] = Field(description="reverse or dates")
    max_length: int = Field(ge=1, le=100, description="an integer from 1 to 100 (digits, of task=reverse)")
    cell: CellName
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    updates: int = Field(ge=1, le=10_000_000, description="an integer from 1 to 10000000 (at most so many)")
    batch_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    learning_rate: float = Field(gt=0, le=10, description="a number above 0, up to 10")
    clip: float = Field(
        gt=0, le=1e6, description="a number above 0, up to 1e6 (the largest joint norm of the gradients)"
    )


def draw(config: Config, rng: np.random.Generator, n: int) -> Batch:
    """Draw n pairs of sequences."""
    if config.task == "reverse":
        lengths = rng.integers(1, config.max_length + 1, n)
        words = ["".join(map(str, rng.integers(10, size=k))) for k in lengths]
        pairs, inputs, outputs = [(word, word[::-1]) for word in words], DIGITS, DIGITS
    else:
        days = [datetime.date.fromordinal(int(day)) for day in rng.integers(FIRST_DAY, LAST_DAY + 1, n)]
        styles = rng.integers(len(FORMATS), size=n)
        pairs = [(day.strftime(FORMATS[k]), day.isoformat()) for day, k in zip(days, styles, strict=True)]
        inputs, outputs = PRINTABLE, DATE_SYMBOLS
    x, lengths = encode([pair[0] for pair in pairs], inputs, 0)
    target, target_lengths = encode([pair[1] for pair in pairs], outputs, 1)
    return Batch(x, target, lengths, target_lengths)


def encode(words: list[str], alphabet: str, ends: int) -> tuple[np.ndarray, np.ndarray]:
    """Return symbols (longest, n) and lengths (n,); with ends=1 each word ends in a symbol after the alphabet's."""
    lengths = np.array([len(word) + ends for word in words])
    symbols = np.full((lengths.max(), len(words)), len(alphabet) if ends else 0)
    place = {letter: i for i, letter in enumerate(alphabet)}
    for i, word in enumerate(words):
        symbols[: len(word), i] = [place[letter] for letter in word]
    return symbols, lengths


def free_answers(net: rnnkit.EncoderDecoder, batch: Batch, end: int) -> np.ndarray:
    """Return what the decoder says when it runs freely, (n, B): right where it is the target to the end."""
    answers = net.generate(batch.x, len(batch.target), lengths=batch.lengths, end=end)
    given = np.full_like(batch.target, end)
    given[: len(answers)] = answers
    return given


def train(net: rnnkit.EncoderDecoder, config: Config, validation: Batch, end: int) -> list[dict]:
    """Train until every answer of the validation set is right, or for all updates; return the evaluations."""
    optimizer = rnnkit.training.optimizers.Optimizer("adam", config.learning_rate)
    schedule, rng, history = (
        rnnkit.training.schedules.HalveOnPlateau(config.learning_rate, patience=3),
        streams(config.seed).data,
        [],
    )
    for update in tqdm(range(1, config.updates + 1), desc=f"{config.task} {config.cell}", disable=None):
        x, target, lengths, target_lengths = draw(config, rng, config.batch_size)
        _, gradients, _ = net.loss_and_gradients(x, target, lengths=lengths, target_lengths=target_lengths)
        clip_by_norm(tuple(gradients.parameters.values()), config.clip)
        optimizer.step(net.parameters, gradients.parameters)
        if update % EVERY == 0 or update == config.updates:
            x, target, lengths, target_lengths = validation
            loss = net.loss_and_gradients(x, target, lengths=lengths, target_lengths=target_lengths).loss
            optimizer.learning_rate = schedule(loss)
            right = (free_answers(net, validation, end) == target).all(axis=0)
            history.append({"update": update, "loss": loss, "accuracy": right.mean()})
            if history[-1]["accuracy"] == 1:
                break
    return history


def measure(config: Config) -> Measurement:
    """Train one encoder-decoder and let it answer fresh sequences."""
    inputs, outputs = (DIGITS, DIGITS) if config.task == "reverse" else (PRINTABLE, DATE_SYMBOLS)
    end = len(outputs)
    net = rnnkit.EncoderDecoder(len(inputs), config.hidden_size, end + 1, cell=config.the_cell, seed=config.seed)
    order, evaluation = streams(config.seed).order, streams(config.seed).evaluation
    history = train(net, config, draw(config, order, VALIDATION), end)
    test = draw(config, evaluation, TEST)
    answers = free_answers(net, test, end)
    right = (answers == test.target).all(axis=0)
    longest = int(test.lengths.argmax())
    asked = "".join(inputs[s] for s in test.x[: test.lengths[longest], longest])
    said = "".join(outputs[s] for s in answers[:, longest] if s != end)
    row = {"accuracy": right.mean(), "accuracy_se": right.std() / np.sqrt(TEST), "loss": history[-1]["loss"]}
    row |= {"updates_made": history[-1]["update"], "parameters": net.num_parameters, "example": f"{asked} -> {said}"}
    return Measurement(row | {"status": "done", "n": TEST}, history=history)


def draw_curves(folder: Path) -> None:
    """Draw the share of right answers against updates."""
    tables = read(folder)
    named = tables.table.assign(job=tables.table.task + ", " + tables.table.cell)
    history = tables.history.merge(named[["out", "job"]], on="out")
    learning_curves(history, "job", "accuracy", folder / "accuracy.png", "share of sequences answered without a fault")


def claims(tables: Tables) -> list[Judgement]:
    """Return one claim for each job: over 99% of fresh sequences are answered without a fault."""
    return [
        RIGHT.judge(row.accuracy, row.accuracy_se, row.n, cell=row.cell, task=row.task)
        for row in tables.table.itertuples()
    ]


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw_curves, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
