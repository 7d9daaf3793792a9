"""A process that runs jobs handed to it line by line: what the local launcher starts for each of its slots.

    python -m rnnkit.runner.jobs.worker experiments/gradient_flow.py

It answers `ready`, then one line for each job. When the other side is gone it ends the job at hand, whose record is
then there, and stops.
"""

import json
import os
import sys
from pathlib import Path

from rnnkit.runner.jobs.experiment import load
from rnnkit.runner.jobs.job import CannotRecord, Job, run_job


def main() -> None:
    """Serve until the input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an experiment prints is no reply
    experiment = load(Path(sys.argv[1]))
    try:
        print("ready", file=replies, flush=True)
        for line in sys.stdin:
            try:
                reply = run_job(experiment, Job(*json.loads(line)))
            except CannotRecord as problem:
                reply = f"cannot record: {problem}"
            print(reply, file=replies, flush=True)
    except BrokenPipeError:
        pass  # the record is there, nobody waits for the line
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
