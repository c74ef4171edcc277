"""Reference vectors of ConvNeXt-Tiny, for crates/models/tests/convnext_golden.rs.

    python3 -m venv environment
    environment/bin/pip install -r tools/golden/requirements.txt
    environment/bin/python tools/golden/convnext.py > crates/models/tests/fixtures/convnext.json

Written in numpy from the paper (Liu et al. 2022, arXiv 2201.03545), with the names and shapes of timm's
`convnext_tiny`. Weights and images are not stored: both sides compute them from names and positions. Everything is
computed in float64.
"""

import json
import math

import numpy as np
from uniform import uniform

IMAGES = 2
FEATURES = 32
SIDES = [64, 50]
STAGES = [(96, 3), (192, 3), (384, 9), (768, 3)]
EPSILON = 1e-6


def shapes():
    """Names and shapes of timm's parameters."""
    named = {}

    def layer(name, *shape):
        named[f"{name}.weight"] = list(shape)
        named[f"{name}.bias"] = [shape[0]]

    layer("stem.0", 96, 3, 4, 4)
    layer("stem.1", 96)
    before = 96
    for stage, (width, blocks) in enumerate(STAGES):
        if stage > 0:
            layer(f"stages.{stage}.downsample.0", before)
            layer(f"stages.{stage}.downsample.1", width, before, 2, 2)
        for block in range(blocks):
            name = f"stages.{stage}.blocks.{block}"
            named[f"{name}.gamma"] = [width]
            layer(f"{name}.conv_dw", width, 1, 7, 7)
            layer(f"{name}.norm", width)
            layer(f"{name}.mlp.fc1", 4 * width, width)
            layer(f"{name}.mlp.fc2", width, 4 * width)
        before = width
    layer("head.norm", before)
    return named


SHAPES = shapes()


def weights(name):
    """The tensor called `name`: of a size that keeps features near 1."""
    shape = SHAPES[name]
    u = uniform(name, math.prod(shape))
    if len(shape) in (2, 4):
        values = u * math.sqrt(3.0 / math.prod(shape[1:]))
    elif name.endswith(".weight"):
        values = 1.0 + 0.25 * u
    else:
        values = 0.25 * u
    return values.astype(np.float32).reshape(shape).astype(np.float64)


def norm(name, x):
    """Layer normalization of the last axis."""
    centered = x - x.mean(axis=-1, keepdims=True)
    variance = (centered**2).mean(axis=-1, keepdims=True)
    return centered / np.sqrt(variance + EPSILON) * weights(f"{name}.weight") + weights(f"{name}.bias")


def dense(name, x):
    return x @ weights(f"{name}.weight").T + weights(f"{name}.bias")


def squares(name, x):
    """A convolution of squares that lie side by side, without those that are not whole; channels last."""
    kernel = weights(f"{name}.weight")
    side = kernel.shape[-1]
    rows, columns = x.shape[1] // side, x.shape[2] // side
    x = x[:, : rows * side, : columns * side].reshape(len(x), rows, side, columns, side, -1)
    return np.einsum("nisjtc,octs->nijo", x, kernel.swapaxes(2, 3)) + weights(f"{name}.bias")


def depthwise(name, x):
    """A 7 x 7 convolution of each channel, padded with zeros; channels last."""
    kernel = weights(f"{name}.weight")[:, 0]
    padded = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    out = np.zeros_like(x) + weights(f"{name}.bias")
    for i in range(7):
        for j in range(7):
            out += padded[:, i : i + x.shape[1], j : j + x.shape[2]] * kernel[:, i, j]
    return out


def gelu(x):
    return x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def features(images):
    x = norm("stem.1", squares("stem.0", images.transpose(0, 2, 3, 1)))
    for stage, (_, blocks) in enumerate(STAGES):
        if stage > 0:
            name = f"stages.{stage}.downsample"
            x = squares(f"{name}.1", norm(f"{name}.0", x))
        for block in range(blocks):
            name = f"stages.{stage}.blocks.{block}"
            hidden = gelu(dense(f"{name}.mlp.fc1", norm(f"{name}.norm", depthwise(f"{name}.conv_dw", x))))
            x = x + dense(f"{name}.mlp.fc2", hidden) * weights(f"{name}.gamma")
    return norm("head.norm", x.mean(axis=(1, 2)))


def case(side):
    images = uniform("images", IMAGES * 3 * side * side) * 0.5 + 0.5
    images = images.astype(np.float32).reshape(IMAGES, 3, side, side).astype(np.float64)
    found = features(images)
    step = found.shape[1] // FEATURES
    return {"side": side, "features": [[float(x) for x in row[::step][:FEATURES]] for row in found]}


def main():
    print('{"names": ' + json.dumps(SHAPES) + ',\n"cases": [')
    print(",\n".join(json.dumps(case(side)) for side in SIDES))
    print("]}")


if __name__ == "__main__":
    main()
