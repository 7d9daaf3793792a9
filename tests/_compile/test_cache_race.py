"""Processes on a cold cache at once: each stores what it compiled, and none waits for another."""

from test_cache import TIMEOUT, finish, make_house, run, start

# Seconds a process waits for the other's next step, once both run: it is reached by a few instructions of Python.
PATIENCE = 60
# Both take every step together. With numba's own cache both read an empty index and choose the same file; "float"
# writes the index last, "int" writes the code last: int code listed as float. With ours both have written their file
# before either moves it to its place.
RACER = """
import os, sys, time
from pathlib import Path
from numba.core.caching import IndexDataCacheFile as Store
from rnnkit.kernels.b import twice

me, other, flags, patience = sys.argv[1:]
flags, patience = Path(flags), float(patience)

def after(event):
    end = time.monotonic() + patience
    while not (flags / event).exists():
        assert time.monotonic() < end, event
        time.sleep(0.01)

def done(step):
    (flags / f"{me} {step}").touch()

save, save_index, save_data = Store.save, Store._save_index, Store._save_data
load_index, replace = Store._load_index, os.replace

def forced_save(self, key, data):
    def forced_load_index():
        overloads = load_index(self)
        done("has read")
        after(f"{other} has read")
        return overloads
    self._load_index = forced_load_index
    save(self, key, data)

def forced_save_index(self, overloads):
    if me == "float":
        after("int has indexed")
    save_index(self, overloads)
    done("has indexed")

def forced_save_data(self, name, data):
    if me == "int":
        after("float has stored")
    save_data(self, name, data)
    done("has stored")

def forced_replace(*paths):
    done("has written")
    after(f"{other} has written")
    replace(*paths)

if hasattr(twice._cache, "_cache_file"):
    Store.save, Store._save_index, Store._save_data = forced_save, forced_save_index, forced_save_data
else:
    os.replace = forced_replace
done("is ready")
after(f"{other} is ready")
twice({"float": 1.5, "int": 1, "float again": 1.5}[me])
print(len(list(flags.iterdir())))
"""
THIRD = "from rnnkit.kernels.b import twice; print(twice(1.5), twice(1), sum(twice.stats.cache_hits.values()))"
STOPPED = """
import os, time
def replace(*paths):
    print("stores", flush=True)
    time.sleep(1000)
os.replace = replace
from rnnkit.kernels.b import twice
twice(1.5)
"""


def race(tmp_path, one, two, plain=False):
    """Run both on a cold cache, in step; return the house."""
    house, flags = make_house(tmp_path, plain), tmp_path / "flags"
    flags.mkdir()
    racers = [start(house, RACER, *pair, str(flags), str(PATIENCE)) for pair in ((one, two), (two, one))]
    steps = {finish(racer) for racer in racers}
    assert steps & ({"8"} if plain else {"4"})  # each took all of them
    return house


def test_a_third_process_loads_both(tmp_path):
    assert run(race(tmp_path, "float", "int"), THIRD).split() == ["3.0", "2", "2"]


def test_both_may_store_the_same(tmp_path):
    assert run(race(tmp_path, "float", "float again"), THIRD).split() == ["3.0", "2", "1"]


def test_with_plain_numba_a_third_process_gets_wrong_code(tmp_path):
    third = start(race(tmp_path, "float", "int", plain=True), THIRD)
    out, _ = third.communicate(timeout=TIMEOUT)
    assert third.returncode != 0 or out.split()[0] != "3.0"  # seen: 2.0, for 1.5 was taken as an int


def test_a_process_that_stops_while_it_stores_holds_nobody_up(tmp_path):
    house = make_house(tmp_path)
    stopped = start(house, STOPPED)
    try:
        assert stopped.stdout.readline().strip() == "stores"
        assert run(house, THIRD).split() == ["3.0", "2", "0"]
        assert run(house, THIRD).split() == ["3.0", "2", "2"]
    finally:
        stopped.kill()
        stopped.communicate()
