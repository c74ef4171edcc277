"""Reference vectors of residual networks, by torchvision, for crates/models/tests/resnet_golden.rs.

    python3 -m venv environment
    environment/bin/pip install -r tools/golden/requirements.txt
    environment/bin/python tools/golden/resnet.py > crates/models/tests/fixtures/resnet.json

Weights, running statistics and images are not stored: both sides compute them from names and positions
(`uniform`, `weights`). Everything is computed in float64, so that what is written is exact for float32.
"""

import json
import math

import numpy as np
import torch
import torchvision
from torch import nn
from uniform import uniform

IMAGES = 4
# Features, channels and weights of which numbers are stored.
FEATURES = 32
CHANNELS = 4
GRADIENTS = 8
# Depth, stem, side of the images, normalization.
CASES = [
    (18, "imagenet", 64, "batch"),
    (18, "small", 24, "batch"),
    (18, "stl", 32, "batch"),
    (34, "imagenet", 64, "batch"),
    (50, "stl", 32, "batch"),
    (18, "imagenet", 64, "group"),
    (50, "small", 16, "group"),
]


def weights(name, shape):
    """The tensor called `name`: as large as Kaiming's for convolutions, near 1 for scales and variances."""
    count = math.prod(shape)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(3)
    u = uniform(name, count)
    if len(shape) == 4:
        values = u * math.sqrt(6.0 / (shape[0] * shape[2] * shape[3]))
    elif name.endswith("running_var"):
        values = 2.0 + u
    elif name.endswith(".weight"):
        values = 1.0 + 0.25 * u
    else:
        values = 0.25 * u
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def build(depth, stem, norm):
    layer = {"batch": None, "group": lambda channels: nn.GroupNorm(32, channels)}[norm]
    model = getattr(torchvision.models, f"resnet{depth}")(weights=None, norm_layer=layer)
    if stem != "imagenet":
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    if stem == "small":
        model.maxpool = nn.Identity()
    model.fc = nn.Identity()
    return model


def picked(values, count):
    """`count` evenly spaced numbers of a row, with nine digits."""
    step = len(values) // count
    return [float(f"{value:.9g}") for value in values[::step][:count].tolist()]


def rows(features):
    return [picked(row, FEATURES) for row in features.detach()]


def case(depth, stem, side, norm):
    model = build(depth, stem, norm)
    model.load_state_dict({name: weights(name, t.shape) for name, t in model.state_dict().items()})
    model.double()
    images = uniform("images", IMAGES * 3 * side * side) * 0.5 + 0.5
    images = images.astype(np.float32).reshape(IMAGES, 3, side, side)
    images = torch.from_numpy(images).double()
    with torch.no_grad():
        before = model.eval()(images)
    trained = model.train()(images)
    pattern = torch.from_numpy(uniform("loss", trained.numel())).view_as(trained)
    (trained * pattern).sum().backward()
    with torch.no_grad():
        after = model.eval()(images)
    state = model.state_dict()
    running = {
        name: picked(tensor[:CHANNELS], CHANNELS)
        for name, tensor in state.items()
        if name.endswith(("running_mean", "running_var"))
    }
    last = {18: "layer4.1.conv2", 34: "layer4.2.conv2", 50: "layer4.2.conv3"}[depth]
    named = dict(model.named_parameters())
    gradients = {
        name: picked(named[name].grad.flatten(), GRADIENTS)
        for name in ["conv1.weight", "bn1.weight", "layer2.0.downsample.0.weight", f"{last}.weight"]
    }
    return {
        "depth": depth,
        "stem": stem,
        "side": side,
        "norm": norm,
        "eval": rows(before),
        "train": rows(trained),
        "eval_after_train": rows(after),
        "running": running,
        "gradients": gradients,
    }


def main():
    torch.set_num_threads(1)
    names = {}
    for depth in (18, 34, 50):
        state = build(depth, "imagenet", "batch").state_dict()
        names[depth] = {name: list(tensor.shape) for name, tensor in state.items()}
    versions = {module.__name__: module.__version__ for module in (torch, torchvision)}
    document = {
        "by": versions,
        "names": names,
        "cases": [case(*settings) for settings in CASES],
    }
    # A line a case and a line a depth: small, and yet fit for a diff.
    def lines(values):
        return ",\n".join(values)

    print('{"by": ' + json.dumps(document["by"]) + ',\n"names": {')
    print(lines(f'"{depth}": {json.dumps(shapes)}' for depth, shapes in names.items()))
    print('},\n"cases": [')
    print(lines(json.dumps(case) for case in document["cases"]))
    print("]}")


if __name__ == "__main__":
    main()
