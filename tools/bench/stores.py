"""stores.py FOLDER RECIPE SECS: processor time of a view of JPEG files, on one thread.

A file is read, decoded and augmented twice, as data loaders do, by the recipe in the file RECIPE: torchvision with
Pillow, and albumentations with OpenCV.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from augment import albumentations, torchvision_v1
from common import processor_secs, record
from PIL import Image


def pillow(path: Path):
    return Image.open(path).convert("RGB")


def opencv(path: Path):
    return cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def main(folder: str, recipe: str, secs: str) -> None:
    kinds = {".jpg", ".jpeg"}
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in kinds)
    recipe = json.loads(Path(recipe).read_text())
    contenders = {
        "torchvision and Pillow": (pillow, torchvision_v1),
        "albumentations and OpenCV": (opencv, albumentations),
    }
    for contender, (decode, library) in contenders.items():
        _, build, _ = library([])
        transform = build(recipe)

        def work(i, decode=decode, transform=transform):
            image = decode(paths[i % len(paths)])
            transform(image)
            transform(image)

        spent = processor_secs(work, float(secs), 2)
        record("stores", str(recipe["size"]), contender, "ns a view", spent * 1e9)


if __name__ == "__main__":
    main(*sys.argv[1:])
