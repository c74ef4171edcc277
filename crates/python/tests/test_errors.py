"""Wrong things are exceptions with one line that says what was expected."""

import json

import numpy as np
import pytest
import twinview
from conftest import VIEWS, pixels


def says(error, text, call):
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(text), message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: x.astype(np.float32), "images: expected uint8, found float32"),
        (lambda x: x.astype(np.int8), "images: expected uint8, found int8"),
        (lambda x: x.transpose(0, 2, 3, 1), "images: expected elements in C order"),
        (lambda x: x[:, :, ::2], "images: expected elements in C order"),
        (
            np.asfortranarray,
            "images: expected elements in C order without gaps, found other strides",
        ),
        (
            lambda x: x.transpose(0, 2, 3, 1).copy(),
            "images: expected shape [N, 3, H, W], none of them 0, found [20, 12, 10, 3]",
        ),
        (lambda x: x[0], "images: expected shape [N, 3, H, W], none of them 0, found [3, 12, 10]"),
        (lambda x: x[:0], "images: expected shape [N, 3, H, W], none of them 0, found [0, 3"),
        (lambda x: "images", "images: expected an array, found str"),
        (lambda x: x.tolist(), "images: expected an array, found list"),
    ],
)
def test_arrays(images, change, text):
    says(ValueError, text, lambda: twinview.from_array(change(images)))


def test_labels(images):
    for labels, text in [
        ([0] * 19, "labels: expected 20, one an image, found 19"),
        ([0] * 19 + [-1], "labels: expected integers from 0 to 65535, found -1 at position 19"),
        (["a"] * 20, "labels: expected a list of integers"),
        (3, "labels: expected a list of integers"),
    ]:
        says(ValueError, text, lambda labels=labels: twinview.from_array(images, labels))


def test_recipes(tmp_path):
    file = tmp_path / "my.json"
    text = json.dumps({"image_size": 16, "views": VIEWS}, indent=2)
    for old, new, place in [
        ("gray", "gray", None),
        ('"hue"', '"hues"', "no key is called hues; did you mean hue?"),
        ('"clip"', '"cut"', "expected clip or retry, found cut"),
        ('"count": 2', '"count": "2"', 'expected a whole number from 0, found "2"'),
    ]:
        changed = text.replace(old, new)
        file.write_text(changed)
        if place is None:
            assert twinview.Recipe.load(file).sizes == [16, 16]
            continue
        line = 1 + next(n for n, row in enumerate(changed.splitlines()) if new in row)
        with pytest.raises(ValueError) as caught:
            twinview.Recipe.load(file)
        message = str(caught.value)
        assert message.startswith(f"{file}:{line}:") and message.endswith(place), message
        says(
            ValueError,
            "recipe: " + place,
            lambda changed=changed: twinview.Recipe.load(json.loads(changed)),
        )
    says(OSError, "absent: expected a file of views or the name", lambda: load("absent"))
    says(OSError, "absent.json: expected a file of views, found", lambda: load("absent.json"))
    says(ValueError, "recipe: expected a name, the path of a file, or a dict", lambda: load(3))
    says(ValueError, "recipe: expected the key image_size", lambda: load({"views": []}))
    none = {"image_size": 9, "views": []}
    says(ValueError, "recipe: expected at least one view, found none", lambda: load(none))
    says(ValueError, "simclr: ", lambda: twinview.Recipe.load("simclr", image_size=5000))


def load(source):
    return twinview.Recipe.load(source)


def test_presets():
    assert load("simclr").sizes == [96, 96]
    assert load("simclr") == load("gpu/simclr") != load("seed/simclr")
    assert len(load("dino")) > 2
    assert twinview.Recipe.load("simclr", image_size=224).sizes == [224, 224]
    with pytest.raises(OSError):
        load("gpu/simcrl")


def test_loaders(images, recipe):
    split = twinview.from_array(images)

    def make(data=split, recipe=recipe, batch_size=8, **options):
        return lambda: twinview.Loader(data, recipe, batch_size, **options)

    says(ValueError, "batch larger than the set: expected at most 20", make(batch_size=21))
    says(ValueError, "loader setting `batch_size`: expected at least 2", make(batch_size=1))
    says(ValueError, "loader setting `prefetch`: expected at least 1", make(prefetch=0))
    says(ValueError, "loader setting `rank`: expected 0 to 1", make(rank=2, world_size=2))
    says(ValueError, "loader setting `world_size`: expected 1 to 6", make(world_size=7))
    says(ValueError, "data: expected a twinview.Split or twinview.Dataset", make(data=images))
    with pytest.raises(TypeError):
        make(recipe="simclr")()
    with pytest.raises(OverflowError):
        make(seed=-1)()


def test_sets(tmp_path, images):
    says(OSError, f"{tmp_path / 'absent'}: expected", lambda: twinview.open(tmp_path / "absent"))
    says(OSError, f"{tmp_path}: expected", lambda: twinview.open(tmp_path))
    (tmp_path / "a.png").write_bytes(b"no picture")
    says(OSError, f"{tmp_path / 'a.png'}: expected", lambda: twinview.open(tmp_path))
    split = twinview.from_array(images)
    for index in (20, -21):
        with pytest.raises(IndexError):
            split[index]


def test_sides(tmp_path):
    for side in (0, 3, 5000):
        text = f"image size: expected 8 to 4096 pixels, found {side}"
        says(ValueError, text, lambda side=side: twinview.open(tmp_path, image_size=side))
    text = "simclr: views.0: recipe key `size`: expected a number from 1 to 4096, found 5000"
    says(ValueError, text, lambda: twinview.Recipe.load("simclr", image_size=5000))
    recipe = {"image_size": 16, "views": [{"count": 1, "size": 0, "transforms": []}]}
    text = "recipe: expected a fraction of image_size above 0 and at most 1, or 2 to 4096 pixels"
    says(ValueError, text, lambda: load(recipe))


def test_a_store_is_one_of_three(tmp_path):
    says(ValueError, "store: expected square, aspect or encoded, found round",
         lambda: twinview.open(tmp_path, store="round"))


def test_folders_of_images_are_opened(tmp_path, images):
    for index, image in enumerate(pixels(4, 20, 30)):
        folder = tmp_path / f"photos/class{index % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        body = image.transpose(1, 2, 0).tobytes()
        (folder / f"{index}.ppm").write_bytes(b"P6\n30 20\n255\n" + body)
    cache = tmp_path / "cache"
    data = twinview.open(tmp_path / "photos", image_size=16, cache_dir=cache)
    assert (data.class_names, data.train.image_size) == (["class0", "class1"], (16, 16))
    assert sorted(np.asarray(data.train.labels)) == [0, 0, 1, 1]
    assert data.train.name(0).startswith("class0") and data.test is None
    assert "4" in repr(data) and "16x16" in repr(data.train)
    data = twinview.open(tmp_path / "photos", image_size=16, cache_dir=cache, labels="none")
    assert (len(data.unlabeled), data.train, data.class_names) == (4, None, [])


def test_targets(images, recipe):
    loader = twinview.Loader(twinview.from_array(images), recipe, 8)
    right = np.zeros((8, 2, 3, 16, 16), np.uint8)
    for out, text in [
        (right[:6], "out[0]: expected shape [7, 2, 3, 16, 16], found [6, 2, 3, 16, 16]"),
        (right.astype(np.int16), "out[0]: expected uint8, found int16"),
        ([right, right], "out: expected 1, one for each size of views, found 2 arrays"),
        (bytes(8), "out[0]: expected shape"),
    ]:
        says(ValueError, text, lambda out=out: loader.next_into(out))
    right.flags.writeable = False
    says(ValueError, "out: expected an array that can be written to", lambda: into(loader, right))
    assert loader.step == 0, "nothing was taken"
    # Of an odd number of images in twos, one batch has three.
    odd = twinview.Loader(twinview.from_array(images[:5]), recipe, 2)
    says(ValueError, "out[0]: expected shape [3, 2, 3, 16, 16]", lambda: into(odd, right[:2]))
    keys = [(0, 0, 0)] * 19
    says(ValueError, "keys: expected 20, one an image, found 19", lambda: render(images, recipe, keys))
    keys = [(0, 0)] * 20
    says(ValueError, "keys: expected triples", lambda: render(images, recipe, keys))


def into(loader, out):
    return loader.next_into(out)


def render(images, recipe, keys):
    return twinview.render(images, recipe, keys)
