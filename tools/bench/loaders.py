"""loaders.py FOLDER CACHE RECIPE SECS: views a second a core of loaders in Python, two views an image.

All cores are used, for SECS seconds: twinview's loader with a thread for each, and PyTorch's `DataLoader` with a worker
process for each, with torchvision's or albumentations' operations. Images are the JPEG files in FOLDER, decoded before
(center squares, which twinview keeps in CACHE) or read and decoded each time; the recipe is in the file RECIPE.
"""

import json
import os
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import twinview
from augment import albumentations, torchvision_v1
from common import record, software
from PIL import Image
from stores import opencv, pillow
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision.transforms.functional import pil_to_tensor

# As `benchmarks loader` has it.
BATCH = 64
CORES = len(os.sched_getaffinity(0))
# A consumer that touches a byte of each of these has had all bytes in its cache.
CACHE_LINE = 64


class Pairs(Dataset):
    """Two views of an image, uint8 `[2, 3, H, W]`."""

    def __init__(self, sources, decode, transform, tensor):
        self.sources, self.decode, self.transform, self.tensor = sources, decode, transform, tensor

    def __len__(self):
        return len(self.sources)

    def __getitem__(self, index):
        image = self.decode(self.sources[index])
        return torch.stack([self.tensor(self.transform(image)) for _ in range(2)])


def own(split, recipe):
    """Batches of twinview's loader, without end."""
    views = [{"count": 2, "size": recipe["size"], "transforms": recipe["transforms"]}]
    recipe = twinview.Recipe.load({"image_size": recipe["size"], "views": views})
    loader = twinview.Loader(split, recipe, min(BATCH, len(split)), workers=CORES, prefetch=3)
    while True:
        for batch in loader:
            yield torch.from_dlpack(batch.views[0])


def peers(sources, decode, transform, tensor):
    """Batches of PyTorch's loader, without end."""
    pairs = Pairs(sources, decode, transform, tensor)
    sampler = RandomSampler(pairs, replacement=True, num_samples=1 << 40)
    options = {"num_workers": CORES, "multiprocessing_context": "fork"}
    return iter(DataLoader(pairs, BATCH, sampler=sampler, **options))


def views_a_second(batches, secs: float) -> float:
    # Until then threads and processes start, and what is made ahead is made.
    for _ in range(2 * max(3, 2 * CORES)):
        next(batches)
    begun, views = perf_counter(), 0
    while perf_counter() - begun < secs:
        batch = next(batches)
        batch.view(-1)[::CACHE_LINE].sum()
        views += batch.shape[0] * batch.shape[1]
    return views / (perf_counter() - begun)


def main(folder: str, cache: str, recipe: str, secs: str) -> None:
    recipe = json.loads(Path(recipe).read_text())
    side = recipe["size"]
    software(twinview=twinview.__version__, torch=torch.__version__)
    torch.set_num_threads(1)
    kinds = {".jpg", ".jpeg"}
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in kinds)
    stores = {
        source: twinview.open(folder, image_size=side, store=store, cache_dir=cache).unlabeled
        for source, store in (("decoded", "square"), ("files", "encoded"))
    }
    squares = [np.asarray(image).transpose(1, 2, 0).copy() for image in stores["decoded"]]
    pil = [Image.fromarray(image) for image in squares]
    transform = {
        "torchvision": torchvision_v1([])[1](recipe),
        "albumentations": albumentations(squares)[1](recipe),
    }

    def same(image):
        return image

    def channels_first(image):
        return torch.from_numpy(image).permute(2, 0, 1)

    contenders = {
        ("twinview, Python", "decoded"): lambda: own(stores["decoded"], recipe),
        ("twinview, Python", "files"): lambda: own(stores["files"], recipe),
        ("torchvision, DataLoader", "decoded"): lambda: peers(
            pil, same, transform["torchvision"], pil_to_tensor
        ),
        ("torchvision, DataLoader", "files"): lambda: peers(
            files, pillow, transform["torchvision"], pil_to_tensor
        ),
        ("albumentations, DataLoader", "decoded"): lambda: peers(
            squares, same, transform["albumentations"], channels_first
        ),
        ("albumentations, DataLoader", "files"): lambda: peers(
            files, opencv, transform["albumentations"], channels_first
        ),
    }
    for (contender, source), start in contenders.items():
        rate = views_a_second(start(), float(secs)) / CORES
        record("python", str(side), contender, f"{source}: views a second a core", rate)


if __name__ == "__main__":
    main(*sys.argv[1:])
