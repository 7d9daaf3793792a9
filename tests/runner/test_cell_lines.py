"""Pictures of a sweep over cells or their constants: a line for each, where one would hide the others."""

import numpy as np
import pandas as pd
from common.cells import by_cell, varied_cells


def test_without_several_cells_the_column_stays():
    table = pd.DataFrame({"cell": ["tanh", "tanh"], "constants.alpha": [0.1, 0.1], "seq_len": [10, 20]})
    found, by = by_cell(table, "seq_len")
    assert (found is table, by, varied_cells(table)) == (True, "seq_len", [])


def test_each_cell_and_constant_has_a_line_of_its_own():
    cells, alpha = ["tanh", "my/leaky.py", "my/leaky.py"], [np.nan, 0.1, 0.5]
    table = pd.DataFrame({"cell": cells, "constants.alpha": alpha, "clip": [1.0, 1.0, np.inf], "gain": 1.0})
    assert by_cell(table, "gain")[0].line.to_list() == ["tanh", "leaky, alpha 0.1", "leaky, alpha 0.5"]
    lines = ["tanh, clip 1.0", "leaky, alpha 0.1, clip 1.0", "leaky, alpha 0.5, clip none"]
    assert by_cell(table, "clip")[0].line.to_list() == lines
    assert by_cell(table, "cell")[0].line.to_list() == ["tanh", "leaky, alpha 0.1", "leaky, alpha 0.5"]
