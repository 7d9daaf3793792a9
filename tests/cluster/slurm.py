"""A real Slurm with accounting on this machine, without systemd or cgroups: for the tests, and for a person.

    python tests/cluster/slurm.py start DIR [--cpus N]   make DIR, print `export SLURM_CONF=...`
    python tests/cluster/slurm.py stop DIR               kill its jobs and daemons, remove DIR

It runs as root and needs the packages of .ci/install-slurm. Several may run side by side. Slurm listens where the
host's name points or else everywhere: on 127.0.0.1 where that is the name's address, in other containers everywhere;
strangers lack the key of munge. Limits of time are looked at every 30 s: one of a minute ends a job after 60 to 90 s.
"""

import argparse
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
PROGRAMS = ("setsid", "munged", "mariadb-install-db", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "srun", "sacct")
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")  # in the order of their start
START, STOP = 60, 20  # seconds for one daemon: each takes about 1; only a hang reaches them
DEAD_LOOKS = 10  # 50 ms apart
PORTS = range(20_000, 32_000)  # below those that the kernel hands out
CONF = """\
ClusterName=rnnkit
SlurmctldHost={host}(127.0.0.1)
{bind}
SlurmctldPort={ports[0]}
AuthType=auth/munge
# A requeued job waits as long as a credential is good: 120 s by default, 5 s at least.
AuthInfo=socket={link}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={link}/state
SlurmdSpoolDir={link}/spool
SlurmctldPidFile={link}/pid/slurmctld
SlurmdPidFile={link}/pid/slurmd
SlurmdLogFile={link}/log/slurmd.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
MaxArraySize=10001
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[2]}
AccountingStoragePass={link}/munge.socket
JobRequeue=1
KillWait=2
OverTimeLimit=0
InactiveLimit=0
SlurmdTimeout=10
# The node is used again as soon as it answers, and believed whatever it says it has.
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=65536
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
DBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={link}/munge.socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={ports[2]}
{bind}
SlurmUser=root
PidFile={link}/pid/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
"""


class SlurmError(Exception):
    """Slurm did not start, or did not do what was asked."""


class Slurm:
    """A cluster of one node; all it has is in `folder`, which its start makes and its stop removes."""

    def __init__(self, folder: Path, cpus: int = 16):
        self.folder, self.cpus = Path(folder).resolve(), cpus
        # Paths of unix sockets end at about 100 characters, so all go through a short name for the folder.
        self.link = Path("/tmp", f"rnnkit-slurm-{hashlib.sha256(bytes(self.folder)).hexdigest()[:10]}")
        self.env = {"SLURM_CONF": f"{self.link}/slurm.conf"}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "SBATCH", "SRUN"))}
        self._environ = kept | self.env | {"PATH": PATH}

    @staticmethod
    def lacking() -> str:
        """Why there can be no Slurm here, or an empty string."""
        absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
        if absent:
            return f"no Slurm: {', '.join(absent)} not found (.ci/install-slurm)"
        return "" if os.geteuid() == 0 else "no Slurm: its daemons need root"

    def __enter__(self):
        self.folder.mkdir(parents=True)
        # A process of its own stops the cluster, so that no second Ctrl-C and no death of this one leaves it behind.
        keeper = [sys.executable, __file__, "stop", str(self.folder), "--at-end-of-input"]
        self._keeper = subprocess.Popen(keeper, stdin=subprocess.PIPE, start_new_session=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._keeper.communicate(b"\n", timeout=3 * STOP)
        if self._keeper.returncode:
            raise RuntimeError(f"{self.folder} could not be stopped")

    def start(self) -> "Slurm":
        """Make the folder and start all daemons, which outlive this process."""
        self.folder.mkdir(parents=True)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self):
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.folder)
        for part in ("pid", "log", "state", "spool"):
            (self.folder / part).mkdir()
        *ports, host = *_free_ports(3), socket.gethostname().split(".")[0]
        values = {"link": self.link, "host": host, "bind": _binding(), "cpus": self.cpus, "ports": ports}
        # Every slurmd loads a plugin of cgroups; that of version 1 asks nothing of the machine.
        conf = {"slurm.conf": CONF, "slurmdbd.conf": DBD_CONF, "cgroup.conf": "CgroupPlugin=cgroup/v1\n"}
        for name, text in conf.items():
            (self.folder / name).write_text(text.format(**values))
        (self.folder / "munge.key-file").write_bytes(os.urandom(1024))
        for name in ("slurmdbd.conf", "munge.key-file"):
            (self.folder / name).chmod(0o600)
        munge = [f"--{name}={self.link}/munge.{name}" for name in ("key-file", "socket", "seed-file", "pid-file")]
        self._spawn("munged", "--foreground", "--force", *munge, ready=(self.link / "munge.socket").exists)
        base = ["--no-defaults", "--user=root", f"--datadir={self.link}/db"]
        base += ["--innodb-log-file-size=4M", "--loose-debug-no-sync"]  # small, and fast on a slow disk
        self.run("mariadb-install-db", *base, "--auth-root-authentication-method=normal", "--skip-test-db")
        files = [f"--socket={self.link}/db.socket", f"--pid-file={self.link}/db.pid", "--skip-networking"]
        self._spawn("mariadbd", *base, *files, ready=(self.link / "db.socket").exists)
        self._spawn("slurmdbd", "-D", ready=lambda: _answers(ports[2]))
        self._spawn("slurmctld", "-D", ready=lambda: _answers(ports[0]))
        self.start_node()

    def stop(self):
        """Kill all that runs, jobs first, also after a failed start, and remove the folder."""
        if not self.folder.exists():
            return
        if any(self.folder.iterdir()) and self.link.resolve() != self.folder:
            raise SlurmError(f"{self.folder} was not made by start")
        self.kill_node(told=False)
        for name in reversed(DAEMONS):
            self._kill(lambda name=name: self._daemon(name))
        shutil.rmtree(self.folder)
        self.link.unlink(missing_ok=True)

    def start_node(self):
        """Start slurmd, anew if it runs; return when the controller has heard of it."""
        self._kill(lambda: self._daemon("slurmd"))
        since = datetime.now().replace(microsecond=0)

        def registered():
            node = self.run("scontrol", "--oneliner", "show", "node", "node1")
            started, state = re.search(r"SlurmdStartTime=(\d\S+)", node), re.search(r" State=(\S+)", node)[1]
            return "DOWN" not in state and started and datetime.fromisoformat(started[1]) >= since

        self._spawn("slurmd", "-D", "-N", "node1", ready=registered)

    def kill_node(self, told: bool = True):
        """Pull the plug: SIGKILL for slurmd, for every step and for all that runs in a job.

        The controller is told; by itself it would find out within about 30 s.
        """

        def node():
            return self._daemon("slurmd") | self._steps()

        self._signal(node(), signal.SIGSTOP)  # so that no step daemon sees its task die, and tells
        self._kill(node)
        if told:
            self.run("scontrol", "update", "node=node1", "state=down", "reason=unplugged")

    def run(self, *command: str, seconds: float = 60) -> str:
        """Return what a command printed, run with this cluster's environment."""
        done = subprocess.run(command, env=self._environ, text=True, capture_output=True, timeout=seconds)
        if done.returncode:
            raise SlurmError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def submit(self, *options: str) -> str:
        """Return the id of a job of `sbatch`; `--wrap=...` is its script."""
        return self.run("sbatch", "--parsable", *options).strip()

    def states(self, job: str) -> dict[str, str]:
        """Return the states in the accounts, by id, of a job or an array and of their steps; of reruns the last."""
        lines = self.run("sacct", "--noheader", "--parsable2", "--format=JobID,State", "--jobs", job).splitlines()
        return {name: state.split(" ")[0] for name, state in (line.split("|") for line in lines)}

    def wait_for(self, job: str, state: str, n: int = 1, seconds: float = 30) -> dict[str, str]:
        """Return the states once the job, or each of the n of an array, is `state`; the accounts lag by a second."""
        self._until(lambda: [s for j, s in self.states(job).items() if "." not in j] == n * [state], job, seconds)
        return self.states(job)

    def logs(self, of: str = "*", lines: int = 4) -> str:
        """Return the last lines of what the daemons wrote."""
        texts = {path.stem: path.read_text(errors="replace") for path in sorted(self.folder.glob(f"log/{of}.out"))}
        return "\n".join(f"{name}: {line}" for name, text in texts.items() for line in text.splitlines()[-lines:])

    def _spawn(self, name: str, *options: str, ready: Callable[[], object]):
        """Start a daemon that is nobody's child and writes its pid before its program begins."""
        pid, detached = self.folder / "pid" / name, ["setsid", "--fork", "sh", "-c", 'echo $$ > "$0" && exec "$@"']
        pid.unlink(missing_ok=True)
        with (self.folder / "log" / f"{name}.out").open("a") as out:
            environ = self._environ | {"MYSQL_UNIX_PORT": f"{self.link}/db.socket"}
            files = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            subprocess.run([*detached, str(pid), name, *options], env=environ, cwd="/", check=True, **files)

        seen_dead = 0

        def ready_or_dead():
            nonlocal seen_dead
            dead = pid.exists() and pid.read_text() and not self._daemon(name)
            seen_dead = seen_dead + 1 if dead else 0  # during exec a process looks dead for a moment
            if seen_dead == DEAD_LOOKS:
                raise SlurmError(f"{name} ended\n{self.logs(name, 6)}")
            return ready()

        self._until(ready_or_dead, name, START)

    def _until(self, true: Callable[[], object], what: str, seconds: float):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise SlurmError(f"waited {seconds} s for {what} in vain\n{self.logs()}")
            time.sleep(0.05)

    def _kill(self, find: Callable[[], set[int]]):
        def none_left():
            found = find()
            self._signal(found, signal.SIGKILL)
            return not found

        self._until(none_left, "the end of a process", STOP)

    @staticmethod
    def _signal(pids: set[int], number: int):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _daemon(self, name: str) -> set[int]:
        """The daemon that wrote its pid, unless another process has that number by now, and its children."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "pid" / name).read_text())
            return _and_below({pid} if self._named_in(pid) else set())
        return set()

    def _steps(self) -> set[int]:
        """The step daemons, which hold the node's log open, the processes with a job's environment, and those below."""
        log, found = str(self.folder / "log" / "slurmd.log"), set()
        for pid in _processes():
            with contextlib.suppress(OSError):
                if Path(os.readlink(f"/proc/{pid}/exe")).name.startswith("slurmstepd"):
                    found |= {pid for file in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(file) == log}
                elif self._named_in(pid, beside="SLURM_JOB_ID="):
                    found.add(pid)
        return _and_below(found) - {os.getpid()}

    def _named_in(self, pid: int, beside: str = "") -> bool:
        """Whether a process began with this cluster's environment; one that is dead has none."""
        environ = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
        return f"SLURM_CONF={self.env['SLURM_CONF']}" in environ and any(line.startswith(beside) for line in environ)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _and_below(pids: set[int]) -> set[int]:
    """Add the living children of the processes, theirs, and so on."""
    children = {}
    for pid in _processes():
        with contextlib.suppress(OSError):
            state, parent = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            children.setdefault(int(parent), set()).update({pid} if state != "Z" else ())
    found, new = set(pids), pids
    while new:
        new = set().union(*(children.get(pid, ()) for pid in new)) - found
        found |= new
    return found


def _binding() -> str:
    """Return the line of a conf that keeps Slurm to 127.0.0.1, or nothing where the host's name has another address."""
    with contextlib.suppress(OSError):
        if socket.gethostbyname(socket.gethostname()) == "127.0.0.1":
            return "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny"
    return ""  # under 127.0.1.1 srun would listen where nobody calls it back


def _free_ports(n: int) -> list[int]:
    found = []
    for port in random.sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == n:
            return found
    raise SlurmError(f"fewer than {n} free ports in {PORTS}")


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("start", "stop"))
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--cpus", type=int, default=16, help="CPUs of the node; may exceed the machine's")
    parser.add_argument("--at-end-of-input", action="store_true", help="wait with it for a line or the end of stdin")
    given = parser.parse_args()
    if given.at_end_of_input:
        sys.stdin.readline()
    slurm = Slurm(given.folder, given.cpus)
    try:
        if given.command == "stop":
            slurm.stop()
        elif reason := Slurm.lacking():
            raise SlurmError(reason)
        else:
            print(f"export SLURM_CONF={slurm.start().env['SLURM_CONF']}")
    except (SlurmError, FileExistsError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
