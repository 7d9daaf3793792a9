"""Tables of a sweep, collected from the records of its jobs, and figures of them."""

from rnnkit.runner.tables.table import Tables, read

__all__ = ["Tables", "read"]
