"""Tables of a sweep in pandas, each column with its type: `rnnkit.results.read("outputs/first").table`."""

from rnnkit.runner.tables.table import Tables
from rnnkit.runner.tables.typed import read

__all__ = ["Tables", "read"]
