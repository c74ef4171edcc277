"""Arrays share memory with other packages, and memory comes back when nobody uses it."""

import ctypes
import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
import twinview
from conftest import address, pixels


@pytest.fixture
def batch(images, recipe):
    return next(iter(twinview.Loader(twinview.from_array(images), recipe, 8)))


def test_three_protocols_show_the_same_memory(batch):
    block = batch.views[0]
    assert (block.shape, block.dtype, len(block)) == ((6, 2, 3, 16, 16), "uint8", 6)
    assert block.nbytes == int(np.prod(block.shape))
    shared = [np.asarray(block), np.from_dlpack(block), np.asarray(memoryview(block))]
    for array in shared:
        assert array.ctypes.data == address(block)
        assert (array.shape, array.dtype) == (block.shape, np.uint8)
    shared[0][0, 0, 0, 0, 0] ^= 255
    assert all((array == shared[0]).all() for array in shared)
    view = memoryview(batch.indices)
    assert (view.format, view.itemsize, view.shape, view.strides) == ("q", 8, (len(batch),), (8,))
    assert np.from_dlpack(batch.labels).dtype == np.int64


def test_jax_reads_arrays(batch):
    jax = pytest.importorskip("jax", reason="JAX is not installed (--with-torch installs it)")
    views = jax.dlpack.from_dlpack(batch.views[0])
    assert (views.shape, views.dtype) == (batch.views[0].shape, np.uint8)
    assert (np.asarray(views) == np.asarray(batch.views[0])).all()
    indices = jax.numpy.from_dlpack(batch.indices)
    assert np.asarray(indices).tolist() == np.asarray(batch.indices).tolist()


def test_dlpack_of_both_versions_and_copies(batch):
    block = batch.views[0]
    assert block.__dlpack_device__() == (1, 0)
    assert '"dltensor"' in repr(block.__dlpack__())
    assert '"dltensor_versioned"' in repr(block.__dlpack__(max_version=(1, 0)))
    copy = np.from_dlpack(block, copy=True)
    assert copy.ctypes.data != address(block)
    assert (copy == np.asarray(block)).all()
    for wrong in ({"stream": 1}, {"dl_device": (2, 0)}):
        with pytest.raises(BufferError, match="expected"):
            block.__dlpack__(**wrong)
    # Capsules that nobody takes are freed.
    for _ in range(1000):
        block.__dlpack__()


@pytest.mark.parametrize("share", [np.asarray, np.from_dlpack, memoryview])
def test_memory_is_not_used_again_while_somebody_sees_it(images, recipe, share):
    loader = twinview.Loader(twinview.from_array(images), recipe, 8, workers=1, prefetch=1)
    first = next(iter(loader))
    kept = share(first.views[0])
    before = bytes(kept)
    where = address(first.views[0])
    del first
    seen = set()
    for _ in range(5):
        for batch in loader:
            seen.add(address(batch.views[0]))
    assert where not in seen
    assert bytes(kept) == before
    del kept, batch
    gc.collect()
    # Now it goes round again; there are few batches.
    again = set()
    for _ in range(5):
        for batch in loader:
            again.add(address(batch.views[0]))
    assert len(again) <= 6


def test_few_batches_are_used_in_turn(images, recipe):
    loader = twinview.Loader(twinview.from_array(images), recipe, 8, workers=1, prefetch=1)
    addresses = [address(batch.views[0]) for _ in range(40) for batch in loader]
    assert len(set(addresses)) <= 4 < len(addresses)


def test_arrays_outlive_loader_and_batch(images, recipe):
    loader = twinview.Loader(twinview.from_array(images), recipe, 8)
    batch = next(iter(loader))
    array = np.asarray(batch.views[0])
    before = array.tobytes()
    loader.close()
    del loader, batch
    gc.collect()
    assert array.tobytes() == before


class Interface:
    """Speaks `__array_interface__` alone."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


class Capsule:
    """Speaks DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OldCapsule(Capsule):
    """As packages did before version 1."""

    def __dlpack__(self):
        return self.array.__dlpack__()


@pytest.mark.parametrize("wrap", [lambda array: array, Interface, Capsule, OldCapsule])
def test_images_are_borrowed_not_copied(wrap, recipe):
    images = pixels(20, 12, 10)
    split = twinview.from_array(wrap(images))
    assert (len(split), split.image_size, split.labels) == (20, (12, 10), None)
    assert (np.asarray(split[3]) == images[3]).all()
    assert (np.asarray(split[-1]) == images[19]).all()
    images[3] = 9
    assert (np.asarray(split[3]) == 9).all(), "the same memory"
    gone = weakref.ref(images)
    loader = twinview.Loader(split, recipe, 8)
    next(iter(loader))
    del images, split
    gc.collect()
    assert gone() is not None, "kept by the loader"
    loader.close()
    del loader
    gc.collect()
    # Threads may let go of it a moment later.
    for _ in range(100):
        if gone() is None:
            break
        ctypes.pythonapi.PyErr_CheckSignals()
        gc.collect()
    assert gone() is None


def test_read_only_images_are_read(images):
    images.flags.writeable = False
    assert len(twinview.from_array(images)) == 20
    data = memoryview(images.tobytes()).cast("B", images.shape)
    assert len(twinview.from_array(data)) == 20


def test_labels(images):
    labels = np.arange(20) % 7
    for given in (labels, labels.tolist(), tuple(labels.tolist()), labels.astype(np.uint8)):
        split = twinview.from_array(images, given)
        assert np.asarray(split.labels).tolist() == labels.tolist()


def test_the_extension_imports_no_other_package():
    code = "import sys, twinview; print('numpy' in sys.modules, 'torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
