"""Reference vectors of ConvNeXt, by timm, for crates/models/tests/convnext_golden.rs.

    python3 -m venv environment
    environment/bin/pip install -r tools/golden/requirements.txt
    environment/bin/python tools/golden/convnext.py > crates/models/tests/fixtures/convnext.json

Weights and images are not stored: both sides compute them from names and positions. Everything is computed in
float64.
"""

import timm
import torch
from by_timm import case, shapes, write

# Of a side of 50, the first and the last convolution of stride leave pixels over.
SIDES = [64, 50]
WITH_GRADIENT = [
    "stem.0.weight",
    "stem.1.bias",
    "stages.0.blocks.0.gamma",
    "stages.0.blocks.1.conv_dw.weight",
    "stages.1.downsample.0.weight",
    "stages.2.downsample.1.weight",
    "stages.2.blocks.8.mlp.fc1.bias",
    "stages.3.blocks.2.norm.weight",
    "head.norm.bias",
]


def build():
    return timm.create_model("convnext_tiny", num_classes=0)


def main():
    torch.set_num_threads(1)
    write({"tiny": shapes(build())}, [{"size": "tiny"} | case(build(), side, WITH_GRADIENT) for side in SIDES])


if __name__ == "__main__":
    main()
