"""Reference vectors of vision transformers, by timm, for crates/models/tests/vit_golden.rs.

    python3 -m venv environment
    environment/bin/pip install -r tools/golden/requirements.txt
    environment/bin/python tools/golden/vit.py > crates/models/tests/fixtures/vit.json

Weights and images are not stored: both sides compute them from names and positions. Everything is computed in
float64, but for the interpolation of position embeddings, which timm does in float32.
"""

import timm
import torch
from by_timm import case, shapes, write

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


def build(size, patch, image):
    return timm.create_model(
        f"vit_{size}_patch16_224",
        patch_size=patch,
        img_size=image,
        num_classes=0,
        dynamic_img_size=True,
    )


def main():
    torch.set_num_threads(1)
    write(
        {size: shapes(build(size, 16, 224)) for size in ("tiny", "small")},
        [
            {"size": size, "patch": patch, "image": image}
            | case(build(size, patch, image), side, WITH_GRADIENT)
            for size, patch, image, side in CASES
        ],
    )


if __name__ == "__main__":
    main()
