"""Run an experiment, or a sweep of it: `rnnkit run gradient_flow -m seq_len=10,100`.

NAME is an experiment of `rnnkit list`, or the path of a .py file with one. What follows is Hydra's: KEY=VALUE, -m for a
sweep, --cfg job for all keys and their values, --help for the keys and presets of the experiment.
"""

import sys

from rnnkit import warmup
from rnnkit.command import completion
from rnnkit.command.find import experiment_file, launch_file
from rnnkit.command.words import COMPLETION, HELP, WRONG_USE

SHOWS = {*HELP, "--cfg", "-c", "--info", "-i"}  # Hydra's flags that show something and run nothing
USAGE = "usage: rnnkit run NAME [KEY=VALUE ...] [-m] [Hydra's flags]"


def run(arguments: list[str]) -> int | None:
    """Run the experiment that is named first; the exit code is 1 where a job failed, 130 where it was interrupted."""
    if not arguments or arguments[0] in HELP:
        print(f"{USAGE}\n\n{__doc__}", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else WRONG_USE
    if arguments[1:2] and arguments[1] in COMPLETION:  # Hydra's is of Python and a file
        return completion.run(arguments[2:])
    try:
        file = experiment_file(arguments[0])
        if warmup.is_needed() and not SHOWS & set(arguments):
            print("rnnkit run: kernels are compiled, which is done once: rnnkit warmup tells of each", file=sys.stderr)
        launch_file(file, arguments[1:])
    except ValueError as error:
        print(f"rnnkit run: {error}", file=sys.stderr)
        return WRONG_USE
    return None
