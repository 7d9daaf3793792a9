"""A sweep's folder, for tests of what is drawn of it and judged."""

from rnnkit.runner.jobs import store
from rnnkit.runner.tables import table as tables


def collected(out, configs, measure, columns):
    """Measure jobs, and return their tables as a sweep into `out` leaves them."""
    plan = [config.scientific() for config in configs]
    for config, scientific in zip(configs, plan, strict=True):
        record = {"config": scientific, "seconds": 0.0} | vars(measure(config))
        store.write_record(out / "jobs" / store.identity(scientific), record)
    tables.collect(out, plan, columns)
    return tables.read(out)
