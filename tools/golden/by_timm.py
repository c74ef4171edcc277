"""What the generators of vectors by timm share."""

import json
import math

import timm
import torch
from resnet import picked, rows
from uniform import uniform

IMAGES = 2
GRADIENTS = 8


def weights(name, shape):
    """The tensor called `name`: of a size that keeps features near 1."""
    u = uniform(name, math.prod(shape))
    if len(shape) in (2, 4):
        values = u * math.sqrt(3.0 / math.prod(shape[1:]))
    elif len(shape) == 1 and name.endswith(".weight"):
        values = 1.0 + 0.25 * u
    else:
        values = 0.25 * u
    return torch.from_numpy(values.astype("float32").reshape(shape))


def shapes(model):
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def case(model, side, with_gradient):
    """Features of images of this side, and gradients of the weights with these names, in float64."""
    model.load_state_dict({name: weights(name, shape) for name, shape in shapes(model).items()})
    model.double().eval()
    images = uniform("images", IMAGES * 3 * side * side) * 0.5 + 0.5
    images = torch.from_numpy(images.astype("float32").reshape(IMAGES, 3, side, side)).double()
    features = model(images)
    pattern = torch.from_numpy(uniform("loss", features.numel())).view_as(features)
    (features * pattern).sum().backward()
    named = dict(model.named_parameters())
    return {
        "side": side,
        "features": rows(features),
        "gradients": {name: picked(named[name].grad.flatten(), GRADIENTS) for name in with_gradient},
    }


def write(names, cases):
    """A line a network and a line a case: small, and yet fit for a diff."""
    versions = {module.__name__: module.__version__ for module in (timm, torch)}
    print('{"by": ' + json.dumps(versions) + ',\n"names": {')
    print(",\n".join(f'"{size}": {json.dumps(named)}' for size, named in names.items()))
    print('},\n"cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")
