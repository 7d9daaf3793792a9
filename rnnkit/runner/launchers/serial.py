"""One job after the other, in the process of the command; nets of a job run on all cores."""

from rnnkit.runner.jobs import Work
from rnnkit.runner.launchers import Launcher, run_all
from rnnkit.runner.progress import Progress


class Serial(Launcher):
    """Has no keys."""

    def launch(self, work: Work, progress: Progress) -> None:
        """Run the jobs."""
        run_all(work.experiment, work.jobs, progress)
