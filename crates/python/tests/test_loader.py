"""How a loader goes through epochs, waits, and ends."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import twinview
from conftest import address, digest, pixels


@pytest.fixture
def make(images, recipe):
    def make(**options):
        options = {"workers": 2, "seed": 1, **options}
        return twinview.Loader(twinview.from_array(images), recipe, 8, **options)

    return make


def places(loader):
    return [(batch.epoch, batch.step) for batch in loader]


def test_a_loop_is_an_epoch(make):
    loader = make()
    assert len(loader) == 3
    assert places(loader) == [(0, 0), (0, 1), (0, 2)]
    assert (loader.epoch, loader.step) == (1, 0)
    assert places(loader) == [(1, 0), (1, 1), (1, 2)]
    # One that is left is followed by the next epoch.
    for batch in loader:
        break
    assert (loader.epoch, loader.step) == (2, 1)
    assert places(loader)[0] == (3, 0)
    loader.set_epoch(7)
    assert places(loader) == [(7, 0), (7, 1), (7, 2)]
    loader.set_epoch(0)
    again = [digest(batch) for batch in loader]
    assert again == [digest(batch) for batch in make()]


def test_an_epoch_has_every_image_once(make):
    loader = make()
    indices = np.concatenate([np.asarray(batch.indices) for batch in loader])
    assert sorted(indices) == list(range(20))
    assert all((np.asarray(batch.labels) == -1).all() for batch in loader)
    full = make(drop_last=True)
    sizes = [len(batch) for batch in full]
    assert (len(full), sizes) == (2, [8, 8])


def test_a_newer_iterator_ends_an_older_one(make):
    loader = make()
    older = iter(loader)
    next(older)
    newer = iter(loader)
    with pytest.raises(RuntimeError, match="a newer one of the same loader"):
        next(older)
    assert next(newer).epoch == 1


def test_a_state_fits_only_its_own_data_and_settings(make, images, recipe):
    state = make().state_dict()
    assert state["version"] == 1
    other = twinview.from_array(images[:, :, ::-1].copy())
    for loader, key in [
        (make(seed=2), "seed"),
        (make(drop_last=True), "drop_last"),
        (twinview.Loader(twinview.from_array(images), recipe, 9, seed=1), "batch_size"),
        (twinview.Loader(other, recipe, 8, seed=1), "data"),
        (
            twinview.Loader(
                twinview.from_array(images), twinview.Recipe.load("simclr"), 8, seed=1
            ),
            "recipe",
        ),
    ]:
        with pytest.raises(ValueError, match=f"^state_dict: {key}: expected .*, found "):
            loader.load_state_dict(state)
    for change, error, says in [
        ({"version": 2}, ValueError, "state_dict: version: expected 1, found 2"),
        ({"step": 3}, ValueError, "state_dict: step: expected a number below 3, found 3"),
        ({"epoch": -1}, ValueError, "state_dict: epoch: expected a number from 0, found -1"),
    ]:
        with pytest.raises(error) as caught:
            make().load_state_dict({**state, **change})
        assert str(caught.value) == says
    del state["epoch"]
    with pytest.raises(KeyError, match="state_dict: epoch"):
        make().load_state_dict(state)


def test_loading_a_state_of_a_late_step_takes_no_replay(recipe):
    images = pixels(20_000, 8, 8)
    loader = twinview.Loader(twinview.from_array(images), recipe, 2, workers=1)
    state = loader.state_dict()
    state.update(epoch=1_000_000, step=9_990)
    loader.load_state_dict(state)
    assert places(loader) == [(1_000_000, step) for step in range(9_990, 10_000)]


def test_a_closed_loader_says_so(make):
    loader = make()
    kept = next(iter(loader))
    before = digest(kept)
    state = loader.state_dict()
    out = np.zeros((8, 2, 3, 16, 16), np.uint8)
    loader.close()
    loader.close()
    for use in (
        lambda: next(iter(loader)),
        lambda: list(loader),
        lambda: loader.next_into(out),
        lambda: loader.set_epoch(1),
        lambda: loader.load_state_dict(state),
    ):
        with pytest.raises(ValueError, match="^the loader is closed$"):
            use()
    assert digest(kept) == before
    with make() as loader:
        next(iter(loader))
    with pytest.raises(ValueError, match="closed"):
        next(iter(loader))


def test_threads_share_a_loader(make):
    loader = make()
    found = []
    iterator = iter(loader)

    def take():
        for batch in iterator:
            found.append((batch.step, digest(batch)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [text for _, text in sorted(found)] == [digest(batch) for batch in make()]


SLOW = """
import os, signal, threading, time
import numpy, twinview
images = numpy.zeros((64, 3, 256, 256), numpy.uint8)
crop = {"scale": [0.2, 1.0], "ratio": [1.0, 1.0], "sampling": "clip"}
views = [{"count": 2, "size": 2048, "transforms": [{"random_resized_crop": crop}]}]
recipe = twinview.Recipe.load({"image_size": 64, "views": views})
loader = twinview.Loader(twinview.from_array(images), recipe, 2, workers=1, prefetch=1)
"""


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", SLOW + code], capture_output=True, text=True, timeout=60, **options
    )


def test_other_threads_run_while_one_waits():
    code = """
ticks = []
done = threading.Event()
def tick():
    while not done.wait(0.001):
        ticks.append(time.monotonic())
thread = threading.Thread(target=tick)
thread.start()
start = time.monotonic()
next(iter(loader))
end = time.monotonic()
done.set()
thread.join()
gaps = [b - a for a, b in zip([start] + ticks, ticks + [end])]
print(len(ticks), end - start)
"""
    out = run(code)
    assert out.returncode == 0, out.stderr
    ticks, seconds = out.stdout.split()
    assert int(ticks) >= 5, out.stdout


def test_ctrl_c_is_heard_while_waiting():
    code = """
# Reading all of a large image a thousand times takes many seconds.
images = numpy.zeros((2, 3, 4096, 4096), numpy.uint8)
views = [{"count": 1000, "size": 8, "transforms": []}]
recipe = twinview.Recipe.load({"image_size": 8, "views": views})
loader = twinview.Loader(twinview.from_array(images), recipe, 2, workers=1)
iterator = iter(loader)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    next(iterator)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start, flush=True)
# Dropping the loader would wait for the batch.
os._exit(0)
"""
    out = run(code)
    assert out.returncode == 0, out.stderr
    word, seconds = out.stdout.split()
    assert word == "interrupted" and 0.2 < float(seconds) < 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_is_refused_with_a_sentence_and_ends():
    code = """
iterator = iter(loader)
batch = next(iterator)
state = loader.state_dict()
out = numpy.zeros((2, 2, 3, 2048, 2048), numpy.uint8)
child = os.fork()
if child == 0:
    for use in (
        lambda: next(iterator),
        lambda: iter(loader),
        lambda: loader.next_into(out),
        lambda: loader.set_epoch(1),
        lambda: loader.load_state_dict(state),
        lambda: loader.epoch,
        loader.state_dict,
        loader.close,
    ):
        try:
            use()
        except RuntimeError as error:
            print(error, flush=True)
    del batch, iterator, loader
    # One of its own works.
    small = twinview.Recipe.load({"image_size": 8, "views": [
        {"count": 1, "size": 8, "transforms": []}]})
    own = twinview.Loader(twinview.from_array(images), small, 32)
    print(len(list(own)), flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    out = run(code)
    assert out.returncode == 0, out.stderr
    *refusals, batches, status = out.stdout.splitlines()
    assert len(refusals) == 8 and all("a forked child" in line for line in refusals), out.stdout
    assert (batches, status) == ("2", "0")


def test_a_program_that_ends_with_a_loader_in_use_ends():
    out = run("iterator = iter(loader)\nbatch = next(iterator)\nprint('end')")
    assert (out.returncode, out.stdout.strip()) == (0, "end"), out.stderr


def resident():
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


def test_memory_is_flat_over_100_000_batches():
    views = [{"count": 2, "size": 8, "transforms": [{"horizontal_flip": {"p": 0.5}}]}]
    recipe = twinview.Recipe.load({"image_size": 8, "views": views})
    images = pixels(20_000, 8, 8)
    loader = twinview.Loader(twinview.from_array(images), recipe, 2, workers=2, prefetch=8)
    assert len(loader) == 10_000
    addresses, after = set(), []
    for _ in range(10):
        for batch in loader:
            array = np.from_dlpack(batch.views[0])
            assert array.ctypes.data == address(batch.views[0])
            addresses.add(array.ctypes.data)
        after.append(resident())
    # Twelve bytes that are kept of each batch would be more.
    assert after[-1] - after[0] < 1 << 20, after
    assert len(addresses) < 30, "the memory of few batches, again and again"
