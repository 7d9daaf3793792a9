"""Images: what the files hold is what nets read, the two parts share nothing, and what is missing is told."""

import gzip
import sys

import numpy as np
import pytest
from data_sets import SIDE, plant, write_fashion, write_idx

from rnnkit.rng import streams
from rnnkit.tasks import check_length, fashion_mnist, load
from rnnkit.tasks.digits import read_digits
from rnnkit.tasks.fashion_mnist import IMAGES, LABELS, read_idx


@pytest.fixture
def planted(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)
    return tmp_path / "fashion"


def test_rows_and_pixels_are_the_same_numbers_in_one_order(planted):
    rows, pixels = load("fashion_rows"), load("fashion_pixels")
    one, other = (task.sample(streams(0).data, 9, task.seq_len) for task in (rows, pixels))
    assert (one.x.shape, other.x.shape) == ((28, 9, 28), (784, 9, 1))
    np.testing.assert_array_equal(one.x.swapaxes(0, 1).reshape(9, -1), other.x[:, :, 0].T)
    np.testing.assert_array_equal(one.x.max(axis=2).argmax(axis=0), one.target[0])  # the row that is bright
    assert one.x.max() == 1


def test_nets_are_trained_and_tested_on_different_images(planted):
    task = load("fashion_rows")
    train, test = task.sample(streams(0).data, 50, 28), task.sample_test(streams(0).data, 50, 28)
    assert (train.x.min(), test.x.min()) == (0, 1 / 255)
    assert [batch.x.min() for batch in task.test_set(28)] == [1 / 255]


def test_the_digits_are_split_as_stated():
    pytest.importorskip("sklearn")
    pixels, labels = read_digits()
    task = load("digits_pixels")
    assert (task.n_train, task.n_test) == (1500, 297)
    np.testing.assert_array_equal(np.concatenate([b.x[:, :, 0].T for b in task.test_set(64)]) * 16, pixels[1500:])
    np.testing.assert_array_equal(np.concatenate([b.target[0] for b in task.test_set(64)]), labels[1500:])
    drawn = task.sample(streams(0).data, 3000, 64)
    of_training = {(row.tobytes(), label) for row, label in zip(pixels[:1500], labels, strict=False)}
    assert all(
        ((x * 16).astype(np.uint8).tobytes(), label) in of_training
        for x, label in zip(drawn.x[:, :, 0].T, drawn.target[0], strict=True)
    )


def test_the_best_constant_is_the_commonest_class(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)
    folder = tmp_path / "uneven"
    write_fashion(folder)
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.repeat([3, 4], [70, 50]), LABELS)
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.repeat([3, 4, 5], [10, 28, 2]), LABELS)
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(folder))
    task = load("fashion_rows")
    assert task.chance_error(28) == 30 / 40
    p = np.array([71, 51, 1]) / 130
    assert task.constant_loss(28) == pytest.approx(-np.log(p) @ [10, 28, 2] / 40)


def test_images_have_one_length(planted):
    check_length(load("fashion_rows"), 28)
    with pytest.raises(ValueError, match=r"^seq_len of task fashion_rows must be the integer 28, got 27$"):
        check_length(load("fashion_rows"), 27)


@pytest.mark.parametrize("name", ["fashion_rows", "fashion_pixels"])
def test_a_fashion_mnist_that_is_not_there_is_told(tmp_path, monkeypatch, name):
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(tmp_path))
    told = rf"^task={name}: Fashion-MNIST is not installed, there is no .*train-images-idx3-ubyte\.gz: apt install "
    with pytest.raises(ValueError, match=told + "dataset-fashion-mnist.*by RNNKIT_FASHION_MNIST$"):
        load(name)


def test_a_fashion_mnist_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").mkdir()
    told = r"^task=fashion_rows: Fashion-MNIST cannot be read, .*train-images-idx3-ubyte\.gz \(Is a directory\): apt"
    with pytest.raises(ValueError, match=told):
        load("fashion_rows")


def test_digits_without_scikit_learn_are_told(monkeypatch):
    read_digits.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    told = r"^task=digits_pixels: the digits need scikit-learn, .* pip install 'rnnkit\[digits\]'$"
    with pytest.raises(ValueError, match=told):
        load("digits_pixels")


GOOD = np.zeros((2, SIDE, SIDE))
BAD = {
    "kind": lambda file: write_idx(file, GOOD[0, :2], LABELS + 1),
    "cut": lambda file: file.write_bytes(gzip.compress(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + b"\0" * 99)),
    "short": lambda file: file.write_bytes(gzip.compress(b"\0\0\x08")),
    "empty": lambda file: file.write_bytes(gzip.compress(b"")),
    "no gzip": lambda file: file.write_bytes(b"an image"),
    "cut gzip": lambda file: file.write_bytes(gzip.compress(GOOD.tobytes())[:-9]),
}


@pytest.mark.parametrize("how", BAD)
def test_a_file_that_is_no_idx_file_is_told(tmp_path, how):
    BAD[how](tmp_path / "x.gz")
    with pytest.raises(ValueError, match=r"x\.gz must be an? (gzipped )?idx file"):
        read_idx(tmp_path / "x.gz", IMAGES)


def test_labels_that_do_not_fit_are_told(planted, monkeypatch):
    write_idx(planted / "train-labels-idx1-ubyte.gz", np.arange(120) % 11, LABELS)
    with pytest.raises(ValueError, match=r"the train files in .* must hold images .* below 10, got \(120, 28, 28\)"):
        load("fashion_rows")
