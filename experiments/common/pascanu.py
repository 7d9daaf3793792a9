"""The methods of Pascanu, Mikolov, Bengio (2013), section 4.1, by the keys of a job."""

import numpy as np
import pandas as pd

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.tables import Tables
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.statistics import share_se

METHODS = {(NO_CLIP, 0.0): "SGD", (1.0, 0.0): "SGD-C", (NO_CLIP, 4.0): "SGD-R", (1.0, 4.0): "SGD-CR"}

EXPLODES = Claim(
    claim="C2h",
    class_="direction",
    kind="below",
    statement="length {length}: share solved within {cap:,} updates by SGD-R, the regularizer without a clip",
    source="Pascanu, Mikolov, Bengio 2013, footnote 4: it usually fails, since gradients explode",
    bar=0.5,
    reason="usually: more often than not",
)


def with_methods(tables: Tables) -> pd.DataFrame:
    """Return nets.csv with the method, length, learning rate and cap of each net."""
    keys = tables.table[["out", "seq_len", "learning_rate", "clip", "omega", "updates"]]
    keys = keys.rename(columns={"updates": "cap"})
    method = [METHODS[clip, float(omega)] for clip, omega in zip(keys["clip"], keys.omega, strict=True)]
    return tables.nets.merge(keys.assign(method=method), on="out")


def regularizer_alone(solved: np.ndarray, *, length: int, cap: int, enough: bool) -> Judgement:
    """Return C2h of nets of SGD-R at one length, solved or not. Lengths have the same first weights."""
    k, n = int(solved.sum()), len(solved)
    return EXPLODES.judge(k / n, share_se(k, n), n, enough=enough, draws="SGD-R", length=length, cap=cap)
