"""Arrays: stored without loss, and read without pickle."""

import errno

import numpy as np
import pytest
from drawn import made

from l2logger.errors import SignalError
from l2logger.media.arrays import array

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)


def loaded(given, tmp_path):
    path, fields = made(array("weights/layer1", given), tmp_path)
    assert path.suffix == ".npy"
    return np.load(path, allow_pickle=False), fields


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "uint8", "int16", "uint16", "int64", "uint64", "float16", "float32", "float64", "complex64"),
        *(">f8", ">i2", "longdouble", "datetime64[s]", "timedelta64[ms]", "S5", "U5", [("a", "<i4"), ("b", ">f8")]),
    ],
    ids=str,
)
def test_every_type_of_numpy_comes_back_as_it_was(dtype, tmp_path):
    """S2-13: byte order included."""
    given = np.zeros((3, 4), dtype)
    given.reshape(-1).view(np.uint8)[:] = 1
    found, fields = loaded(given, tmp_path)
    assert found.dtype == given.dtype
    assert found.tobytes() == given.tobytes()
    assert fields == {"name": "weights/layer1", "shape": [3, 4], "dtype": str(np.dtype(dtype))}


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3, 4, 5)], ids=str)
def test_every_shape_comes_back(shape, tmp_path):
    """S2-13: without dimensions, without elements."""
    given = RNG.normal(size=shape)
    found, fields = loaded(given, tmp_path)
    assert found.shape == shape
    assert np.array_equal(found, given)
    assert fields["shape"] == list(shape)


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::2, ::-1], lambda a: a.T, np.asfortranarray, lambda a: np.broadcast_to(a[:1], a.shape)],
    ids=["steps", "transposed", "fortran", "broadcast"],
)
def test_views_are_stored_as_what_they_show(view, tmp_path):
    """S2-13."""
    given = view(RNG.normal(size=(6, 5)))
    assert np.array_equal(loaded(given, tmp_path)[0], given)


def test_nan_and_the_infinities_come_back_bit_by_bit(tmp_path):
    """S2-13."""
    given = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324])
    assert loaded(given, tmp_path)[0].tobytes() == given.tobytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64, torch.bool, torch.complex64], ids=str)
def test_tensors(dtype, tmp_path):
    """S2-13: of torch, with a gradient or without."""
    given = torch.arange(6).reshape(2, 3).to(dtype)
    if dtype.is_floating_point:
        given.requires_grad_()
    found, fields = loaded(given, tmp_path)
    assert np.array_equal(found, given.detach().numpy())
    assert fields["dtype"] == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_types_that_numpy_lacks_are_widened_and_named(dtype, tmp_path):
    """S2-13: float32 holds each of their values, and going back gives the same tensor."""
    given = torch.randn(50).to(dtype)
    found, fields = loaded(given, tmp_path)
    assert found.dtype == np.float32
    assert fields["dtype"] == str(dtype).removeprefix("torch.")
    assert torch.equal(torch.from_numpy(found).to(dtype).float(), given.float())


def test_a_lazily_conjugated_tensor_is_what_it_shows(tmp_path):
    """S2-13."""
    given = torch.tensor([1 + 2j]).conj()
    assert loaded(given, tmp_path)[0].tolist() == [1 - 2j]


@pytest.mark.parametrize("given", [5, 1.5, True, [1, 2], [[1.5], [2.5]], np.float32(0.1), (1, 2)], ids=str)
def test_plain_numbers_and_lists(given, tmp_path):
    """S2-13."""
    found, fields = loaded(given, tmp_path)
    assert np.array_equal(found, np.asarray(given))
    assert fields["dtype"] == str(np.asarray(given).dtype)


def test_the_array_is_the_one_at_the_time_of_the_call(tmp_path):
    """S2-13: a training step changes weights in place."""
    given = torch.ones(3)
    drawing = array("x", given)
    given.zero_()
    assert np.load(made(drawing, tmp_path)[0]).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.array([{}, None]), r"got object of shape \(2,\); objects would need pickle"),
        (np.zeros(2, [("a", "O")]), "objects would need pickle"),
        ({"a": 1}, "objects would need pickle"),
        (None, "objects would need pickle"),
        ([[1], [2, 3]], "must be an array or a tensor, got builtins.list"),
        (torch.zeros(3, 3).to_sparse(), r"torch.Tensor, torch.float32 of shape \(3, 3\)"),
        (np.ma.masked_array([1, 2], mask=[0, 1]), "cannot be a masked array"),
    ],
    ids=["objects", "fields with objects", "dict", "None", "ragged", "sparse", "masked"],
)
def test_what_would_need_pickle_or_lose_something_is_refused(given, words):
    """S2-13."""
    with pytest.raises(SignalError, match=words):
        array("x", given)


def test_a_full_disk_is_an_error():
    """S2-13."""
    with pytest.raises(OSError, match=r"written|space") as caught:
        array("x", np.zeros(100_000)).write("/dev/full")
    assert caught.value.errno in (errno.ENOSPC, None)
