"""The methods of Pascanu, Mikolov, Bengio (2013), section 4.1, by the keys of a job."""

import pandas as pd

from rnnkit.runner.tables import Tables
from rnnkit.runner.tables.formats import NO_CLIP

METHODS = {(NO_CLIP, 0.0): "SGD", (1.0, 0.0): "SGD-C", (NO_CLIP, 4.0): "SGD-R", (1.0, 4.0): "SGD-CR"}


def with_methods(tables: Tables) -> pd.DataFrame:
    """Return nets.csv with the method, length, learning rate and cap of each net."""
    keys = tables.table[["out", "seq_len", "learning_rate", "clip", "omega", "updates"]]
    keys = keys.rename(columns={"updates": "cap"})
    method = [METHODS[clip, float(omega)] for clip, omega in zip(keys["clip"], keys.omega, strict=True)]
    return tables.nets.merge(keys.assign(method=method), on="out")
