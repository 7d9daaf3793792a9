"""What a net is worth on the whole test part of a data set, each sequence read once, and what a job of nets is."""

from typing import NamedTuple

import numpy as np

from rnnkit.statistics import mean, ratio_of_sums, share_se, standard_error, wilson_interval
from rnnkit.tasks import DataSet
from rnnkit.tasks.data_set import Scores, joined, scores
from rnnkit.training.loop import Trained

Z = 1.96


class Summary(NamedTuple):
    """Share of wrong outputs and nats an output; standard errors and interval over the sequences of the test part."""

    error: float
    error_se: float
    error_low: float
    error_high: float
    test_loss: float
    test_loss_se: float


def summary(found: Scores) -> Summary:
    """Return what scores come to; the error of sequences with one output each has the interval of a share, Wilson's."""
    error, error_se = ratio_of_sums(found.wrong, found.counted)
    if (found.counted == 1).all():
        wrong, n = round(found.wrong.sum()), len(found.wrong)
        error_se, ends = share_se(wrong, n), wilson_interval(wrong, n)
    else:
        ends = max(0.0, error - Z * error_se), min(1.0, error + Z * error_se)
    return Summary(error, error_se, *ends, *ratio_of_sums(found.nll, found.counted))


def read_test_part(task: DataSet, seq_len: int, trained: Trained) -> Scores | None:
    """Return a net's scores on the whole test part; None of a net that diverged."""
    net, found = trained.net, []
    if trained.outcome == "diverged" or not np.isfinite(net.flat).all():
        return None
    for batch in task.test_set(seq_len):
        y = net.forward(batch.x if task.symbols else batch.x.astype(net.dtype)).y
        found.append(scores(y if task.output == "every" else y[None], batch, task.loss))
    return joined(found)


def of_nets(found: list[Scores | None]) -> tuple[list[dict], dict]:
    """Return (the columns of each net, those of their job): means over nets, with standard errors.

    A job's standard errors are of two kinds in one: between nets, None below two, and over the sequences, which nets
    share. Its interval is over the sequences alone, at the mean.
    """
    nothing = dict.fromkeys(Summary._fields)
    nets = [nothing if of_net is None else summary(of_net)._asdict() for of_net in found]
    finite = [of_net for of_net in found if of_net is not None]
    if not finite:
        return nets, nothing
    joint = summary(Scores(*(np.mean(values, axis=0) for values in zip(*finite, strict=True))))._asdict()
    for name in ("error", "test_loss"):
        values = [row[name] for row in nets if row[name] is not None]
        joint[name], between = mean(values), standard_error(values)
        joint[f"{name}_se"] = None if between is None else float(np.hypot(between, joint[f"{name}_se"]))
    return nets, joint
