"""Reference vectors of vision transformers, by timm, for crates/models/tests/vit_golden.rs.

    python3 -m venv environment
    environment/bin/pip install -r tools/golden/requirements.txt
    environment/bin/python tools/golden/vit.py > crates/models/tests/fixtures/vit.json

Weights and images are not stored: both sides compute them from names and positions. Everything is computed in
float64, but for the interpolation of position embeddings, which timm does in float32.
"""

import json
import math

import timm
import torch
from resnet import picked, rows
from uniform import uniform

IMAGES = 2
GRADIENTS = 8
# Size, patch, side that position embeddings are for, side of the images.
CASES = [
    ("tiny", 16, 48, 48),
    ("tiny", 16, 48, 80),
    ("tiny", 8, 48, 24),
    ("tiny", 12, 48, 48),
    ("small", 16, 96, 48),
    ("small", 8, 24, 24),
]
WITH_GRADIENT = [
    "cls_token",
    "pos_embed",
    "patch_embed.proj.weight",
    "blocks.0.attn.qkv.weight",
    "blocks.5.norm2.weight",
    "blocks.11.mlp.fc1.bias",
]


def weights(name, shape):
    """The tensor called `name`: of a size that keeps tokens near 1."""
    u = uniform(name, math.prod(shape))
    if len(shape) in (2, 4):
        values = u * math.sqrt(3.0 / math.prod(shape[1:]))
    elif len(shape) == 1 and name.endswith(".weight"):
        values = 1.0 + 0.25 * u
    else:
        values = 0.25 * u
    return torch.from_numpy(values.astype("float32").reshape(shape))


def build(size, patch, image):
    return timm.create_model(
        f"vit_{size}_patch16_224",
        patch_size=patch,
        img_size=image,
        num_classes=0,
        dynamic_img_size=True,
    )


def case(size, patch, image, side):
    model = build(size, patch, image)
    model.load_state_dict({name: weights(name, t.shape) for name, t in model.state_dict().items()})
    model.double().eval()
    images = uniform("images", IMAGES * 3 * side * side) * 0.5 + 0.5
    images = torch.from_numpy(images.astype("float32").reshape(IMAGES, 3, side, side)).double()
    features = model(images)
    pattern = torch.from_numpy(uniform("loss", features.numel())).view_as(features)
    (features * pattern).sum().backward()
    named = dict(model.named_parameters())
    return {
        "size": size,
        "patch": patch,
        "image": image,
        "side": side,
        "features": rows(features),
        "gradients": {name: picked(named[name].grad.flatten(), GRADIENTS) for name in WITH_GRADIENT},
    }


def main():
    torch.set_num_threads(1)
    versions = {module.__name__: module.__version__ for module in (timm, torch)}
    print('{"by": ' + json.dumps(versions) + ',\n"names": {')
    shapes = {
        size: {name: list(t.shape) for name, t in build(size, 16, 224).state_dict().items()}
        for size in ("tiny", "small")
    }
    print(",\n".join(f'"{size}": {json.dumps(named)}' for size, named in shapes.items()))
    print('},\n"cases": [')
    print(",\n".join(json.dumps(case(*settings)) for settings in CASES))
    print("]}")


if __name__ == "__main__":
    main()
