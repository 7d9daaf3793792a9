"""One job after the other, in the process of the command; nets of a job run on all cores."""

from rnnkit.runner.jobs.job import Work
from rnnkit.runner.jobs.progress import Progress
from rnnkit.runner.launchers import Launcher, run_all


class Serial(Launcher):
    """Has no keys."""

    def launch(self, work: Work, progress: Progress) -> None:
        """Run the jobs."""
        run_all(work.experiment, work.jobs, progress)
