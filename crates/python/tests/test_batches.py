"""Batches are those of `twinview pretrain`, byte for byte, however they are made.

The digests in `fixtures/batches.json` are compared with the batches of a run by the Rust tests of
`trainer` (`batches_are_those_of_the_fixture_of_the_python_package`).
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import twinview
from conftest import digest, pixels

FIXTURE = json.loads(Path(__file__).with_name("fixtures").joinpath("batches.json").read_text())


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    labels = [image % 3 for image in range(20)]
    images = pixels(20, 12, 10)
    stl10 = tmp_path_factory.mktemp("stl10")
    # Columns first, as the binaries have them: the same bytes in memory.
    stl10.joinpath("unlabeled_X.bin").write_bytes(pixels(20, 96, 96).tobytes())
    stl10.joinpath("train_X.bin").write_bytes(pixels(10, 96, 96).tobytes())
    stl10.joinpath("train_y.bin").write_bytes(bytes(1 + label for label in labels[:10]))
    return {
        "unlabeled": twinview.from_array(images),
        "labeled": twinview.from_array(images, labels),
        "stl10": twinview.open(stl10),
    }


def loader(data, **options):
    config = FIXTURE["config"]
    options = {"seed": config["seed"], "workers": 2, **options}
    recipe = twinview.Recipe.load(config)
    return twinview.Loader(data, recipe, config["train"]["batch_size"], **options)


def two_epochs(loader):
    return [digest(batch) for _ in range(2) for batch in loader]


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("name", ["unlabeled", "labeled", "stl10"])
def test_batches_are_those_of_a_run(sets, name, workers):
    assert two_epochs(loader(sets[name], workers=workers)) == FIXTURE["digests"][name]


@pytest.mark.parametrize("name", ["unlabeled", "labeled", "stl10"])
def test_any_step_can_be_resumed(sets, name):
    expected = FIXTURE["digests"][name]
    first = loader(sets[name])
    steps = len(first)
    states = [first.state_dict()]
    for _ in range(2):
        for _ in first:
            states.append(first.state_dict())
    assert len(states) == 2 * steps + 1
    for done, state in enumerate(states[:-1]):
        assert (state["epoch"], state["step"]) == divmod(done, steps)
        # Through JSON, and into a loader with other threads.
        resumed = loader(sets[name], workers=(1, 2, 8)[done % 3])
        resumed.load_state_dict(json.loads(json.dumps(state)))
        rest = [digest(batch) for _ in range(state["epoch"], 2) for batch in resumed]
        assert rest == expected[done:], done


def all_ranks(data, world_size, workers=2):
    return [
        loader(data, rank=rank, world_size=world_size, workers=workers)
        for rank in range(world_size)
    ]


def digests_of_all(ranks, epochs):
    """Of the batches that the parts of the ranks are together."""
    digests = []
    for _ in range(epochs):
        for parts in zip(*ranks, strict=True):
            sha256 = hashlib.sha256()
            blocks = [np.concatenate(block) for block in zip(*(part.views for part in parts))]
            numbers = [
                np.concatenate([part.labels for part in parts]),
                np.concatenate([part.indices for part in parts]),
            ]
            for part in blocks + numbers:
                sha256.update(part.tobytes())
            digests.append(sha256.hexdigest())
    return digests


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("world_size", [2, 3])
@pytest.mark.parametrize("name", ["unlabeled", "stl10"])
def test_the_parts_of_the_ranks_are_the_batch(sets, name, world_size, workers):
    ranks = all_ranks(sets[name], world_size, workers)
    assert len({tuple(rank.state_dict().items()) for rank in ranks}) == 1
    assert digests_of_all(ranks, 2) == FIXTURE["digests"][name]


def test_a_state_is_resumed_by_another_number_of_ranks(sets):
    expected = FIXTURE["digests"]["stl10"]
    single = loader(sets["stl10"])
    steps = len(single)
    for done in range(2 * steps):
        if done % steps == 0:
            iterator = iter(single)
        state = single.state_dict()
        for world_size in (2, 3):
            ranks = all_ranks(sets["stl10"], world_size)
            for rank in ranks:
                rank.load_state_dict(state)
            assert digests_of_all(ranks, 2 - state["epoch"]) == expected[done:]
        # And back: a rank's state in one process.
        ranks = all_ranks(sets["stl10"], 2)
        ranks[1].load_state_dict(state)
        whole = loader(sets["stl10"])
        whole.load_state_dict(ranks[1].state_dict())
        assert digest(next(iter(whole))) == expected[done] == digest(next(iterator))


def test_render_makes_the_views_of_a_loader(sets):
    images = pixels(20, 12, 10)
    made = loader(sets["unlabeled"])
    recipe = twinview.Recipe.load(FIXTURE["config"])
    for batch in made:
        indices = np.asarray(batch.indices)
        keys = [(3, batch.epoch, int(index)) for index in indices]
        for threads in (0, 1, 3, 99):
            views = twinview.render(images[indices], recipe, keys, threads=threads)
            assert [bytes(view) for view in views] == [bytes(view) for view in batch.views]
    out = [np.zeros((8, 2, 3, size, size), np.uint8) for size in (32, 16)]
    first = next(iter(loader(sets["unlabeled"])))
    indices = np.asarray(first.indices)
    keys = np.array([(3, 0, index) for index in indices])
    count = len(indices)
    assert twinview.render(images[indices], recipe, keys, out=out)[0] is out[0]
    assert all(bytes(a[:count]) == bytes(b) for a, b in zip(out, first.views))


def test_next_into_writes_the_same_batches(sets):
    made = loader(sets["labeled"])
    out = [np.full((8, 2, 3, size, size), 7, np.uint8) for size in (32, 16)]
    digests = []
    for step in range(2 * len(made)):
        batch = made.next_into(out)
        assert (batch.epoch, batch.step) == divmod(step, len(made))
        assert batch.views[0] is out[0] and batch.views[1] is out[1]
        sha256 = hashlib.sha256()
        for part in (*(view[: len(batch)] for view in out), batch.labels, batch.indices):
            sha256.update(np.asarray(part).tobytes())
        digests.append(sha256.hexdigest())
    assert digests == FIXTURE["digests"]["labeled"]
