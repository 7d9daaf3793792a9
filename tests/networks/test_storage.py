"""Networks in files: what is saved is loaded, what is broken is named, what is interrupted leaves the old file."""

import copy
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from nets import CELLS, make
from pairs import every_pair

from rnnkit import RNN
from rnnkit.parallel import map_replicates


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


@every_pair(
    {
        "cell": CELLS,
        "dtype": ["float32", "float64"],
        "more": [{}, {"layers": 2, "bidirectional": True, "output": "last"}, {"output_size": None}],
    }
)
def test_what_is_saved_is_loaded(path, cell, dtype, more):
    net, x, given = make(cell, dtype=dtype, **more)
    net.save(path)
    loaded = RNN.load(str(path))
    assert (repr(loaded), loaded.arguments()) == (repr(net), net.arguments())
    assert loaded.flat.tobytes() == net.flat.tobytes()
    assert loaded.forward(x, **given).y.tobytes() == net.forward(x, **given).y.tobytes()
    loaded.flat[:] = 0
    assert not any(a.any() for a in loaded.parameters.values())  # still views of the one array


def test_threads_may_save_to_the_same_file_at_once(path):
    net = RNN(2, 3, seed=0)
    map_replicates(lambda _: [net.save(path) for _ in range(20)], 3, threads=3)
    assert RNN.load(path).flat.tobytes() == net.flat.tobytes()
    assert [p.name for p in path.parent.iterdir()] == ["net.npz"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^path must be in a folder that is there, got .*nowhere/net\.npz"):
        RNN(2, 3).save(tmp_path / "nowhere" / "net.npz")


def test_any_damaged_byte_is_told_or_changes_nothing(path):
    """Names and arguments have checksums, but not all that an archive says of itself counts."""
    net = RNN(2, 3, seed=0)
    net.save(path)
    whole, told, same = path.read_bytes(), 0, 0
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            assert RNN.load(path).flat.tobytes() == net.flat.tobytes()
        except ValueError as error:
            told += str(path) in str(error)
        else:
            same += 1
    assert told + same == len(range(0, len(whole), 7))
    assert told > len(whole) / 7 / 2


@pytest.mark.parametrize("cut", [slice(10, None), slice(0, 200), slice(0, 0)])
def test_an_archive_that_lacks_its_beginning_or_end_is_told(path, cut):
    RNN(2, 3, seed=0).save(path)
    whole = path.read_bytes()
    for content in (whole[cut], whole[:200] + whole[210:]):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"net\.npz must be a saved network, got a file that cannot be read (?!.*pickle)"
        ):
            RNN.load(path)


def test_saved_twice_the_last_one_stays_and_nothing_else(path):
    for seed in (0, 1):
        net = RNN(2, 3, seed=seed)
        net.save(path)
    assert RNN.load(path).flat.tobytes() == net.flat.tobytes()
    assert [p.name for p in path.parent.iterdir()] == ["net.npz"]


@pytest.mark.parametrize("failing", ["numpy.savez", "os.replace"])
def test_an_interrupted_save_leaves_the_old_file(path, monkeypatch, failing):
    old, new = (RNN(2, 3, seed=seed) for seed in (0, 1))
    old.save(path)

    def half(beside, *_, **__):
        beside.write_bytes(path.read_bytes()[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(failing, half)
    with pytest.raises(KeyboardInterrupt):
        new.save(path)
    monkeypatch.undo()
    assert RNN.load(path).flat.tobytes() == old.flat.tobytes()
    assert [p.name for p in path.parent.iterdir()] == ["net.npz"]


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^path must end in \.npz, got 'net\.bin'"):
        RNN(2, 3).save(tmp_path / "net.bin")
    assert not list(tmp_path.iterdir())


def changed(path, change):
    """Write a good file with `change` made to its arrays."""
    RNN(2, 3, 4, cell="lstm").save(path)
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


def with_arguments(**more):
    def change(arrays):
        arrays["settings"] = np.array(json.dumps(json.loads(str(arrays["settings"])) | more))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(format=np.array(2)), "must have format 1 for this version of rnnkit, got 2"),
        (lambda a: a.update(format=np.array("x")), "for this version of rnnkit, got x"),
        (lambda a: a.update(format=np.ones(2)), r"for this version of rnnkit, got \[1\. 1\.\]"),
        (lambda a: a.pop("format"), "for this version of rnnkit, got none"),
        (lambda a: a.pop("settings"), r"must hold a saved RNN, got no arguments \("),
        (lambda a: a.update(settings=np.array("{")), r"must hold a saved RNN, got \{"),
        (lambda a: a.update(settings=np.array("[1]")), r"must hold a saved RNN, got \[1\]"),
        (with_arguments(depth=2), "must hold a saved RNN, got .*depth"),
        (with_arguments(cell="peep"), "must hold a saved RNN, got .*cell must be one of tanh"),
        (with_arguments(cell="cell.py"), r"must hold a saved RNN, got .*cell must be one of tanh, .*, got 'cell\.py'"),
        (
            with_arguments(cell={"name": "Leaky"}),
            "cell must be given for a network of Leaky, which rnnkit does not ship, got none",
        ),
        (with_arguments(cell={}), "must hold a saved RNN, got .*'name'"),
        (with_arguments(cell=3), "must hold a saved RNN, got .*"),
        (with_arguments(parametrization="dale"), "must hold a saved RNN, got .*"),
        (with_arguments(parametrization={"name": "dale"}), "must hold a saved RNN, got .*'constants'"),
        (with_arguments(parametrization={"name": "dale", "constants": {"x": 1}}), "must hold a saved RNN, got .*got x"),
        (with_arguments(hidden_size=4), r"l0\.W_xh must be \(2, 16\) float32, got \(2, 12\)"),
        (with_arguments(layers=2), r"must have the arrays of the network, got no l1\.W_hh"),
        (lambda a: a.pop("W_hy"), "the network, got no W_hy"),
        (lambda a: a.update(W_out=a["W_hy"]), "the network, got an unknown W_out"),
        (lambda a: a.update(b_y=a["b_y"][:3]), r"b_y must be \(4,\) float32, got \(3,\) float32"),
        (lambda a: a.update(b_y=a["b_y"].astype(float)), r"b_y must be \(4,\) float32, got \(4,\) float64"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(path, change, message):
    changed(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        RNN.load(path)
    assert str(caught.value).startswith(str(path))


def one_array():
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


def not_arrays():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("settings.npy", b"no array")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 no zip", one_array(), not_arrays()], ids=range(5))
def test_a_file_that_is_no_npz_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a saved network|must have format 1"):
        RNN.load(path)


def test_a_file_that_is_cut_or_corrupted_is_refused(path):
    RNN(2, 30).save(path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"l0.W_hh.npy") + 300] ^= 255
    for content in (whole[:-50], whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="must be a saved network"):
            RNN.load(path)


def test_a_file_whose_compressed_part_is_corrupted_is_refused(path):
    np.savez_compressed(path, format=np.array(1), W=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"W.npy")
    content[at + 5 : at + 60] = b"\xff" * 55  # no block of a deflated stream begins with three ones
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="must be a saved network"):
        RNN.load(path)


def test_objects_are_not_unpickled(path):
    changed(path, lambda a: a.update(b_y=np.array([print], dtype=object)))
    with pytest.raises(ValueError, match="must be a saved network"):
        RNN.load(path)


def test_a_file_that_is_not_there_stays_a_file_that_is_not_there(path):
    with pytest.raises(FileNotFoundError):
        RNN.load(path)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_a_copy_is_a_net_of_its_own(again):
    net = RNN(2, 3, 4, cell="gru", layers=2, seed=5)
    other = again(net)
    assert repr(other) == repr(net)
    np.testing.assert_array_equal(other.flat, net.flat)
    other.flat[:] = 0  # its weights are views of its own array
    assert not other.parameters["l1.W_hh"].any()
    assert net.parameters["l1.W_hh"].any()


def test_a_name_cannot_be_given_another_array():
    net = RNN(2, 3)
    with pytest.raises(TypeError, match="does not support item assignment"):
        net.parameters["l0.W_hh"] = np.zeros((3, 3))
