"""What the tests share: images that are easy to make again, and a small recipe."""

import hashlib

import numpy as np
import pytest

VIEWS = [
    {
        "count": 2,
        "size": 1.0,
        "transforms": [
            {"horizontal_flip": {"p": 0.5}},
            {
                "random_resized_crop": {
                    "scale": [0.2, 1.0],
                    "ratio": [0.75, 1.3333333333333333],
                    "sampling": "clip",
                }
            },
            {
                "color_jitter": {
                    "p": 1.0,
                    "brightness": 0.5,
                    "contrast": 0.5,
                    "saturation": 0.5,
                    "hue": 0.2,
                }
            },
        ],
    }
]


def pixels(count, height, width):
    """Byte `i` is `7 i mod 251`; uint8 `[count, 3, height, width]`."""
    values = np.arange(count * 3 * height * width, dtype=np.int64) * 7 % 251
    return values.astype(np.uint8).reshape(count, 3, height, width)


def address(array):
    """Where the elements of an array of the package are."""
    return array.__array_interface__["data"][0]


def digest(batch):
    """Over the bytes of views, labels and indices."""
    sha256 = hashlib.sha256()
    for part in (*batch.views, batch.labels, batch.indices):
        sha256.update(memoryview(part).cast("B") if part.dtype == "uint8" else memoryview(part))
    return sha256.hexdigest()


def write_photos(folder, count):
    """A folder of images of 40 x 40 pixels."""
    folder.mkdir()
    for index, image in enumerate(pixels(count, 40, 40)):
        body = image.transpose(1, 2, 0).tobytes()
        (folder / f"{index:02}.ppm").write_bytes(b"P6\n40 40\n255\n" + body)
    return folder


@pytest.fixture
def images():
    return pixels(20, 12, 10)


@pytest.fixture
def recipe():
    import twinview

    return twinview.Recipe.load({"image_size": 16, "views": VIEWS})
