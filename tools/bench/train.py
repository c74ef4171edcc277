"""train.py LOOP DATA BATCH STEPS [WORKERS]: the seed's SimCLR in a plain PyTorch loop, images a second.

LOOP is `default` (float32, contiguous), `channels_last`, or `channels_last, bf16` (with autocast); with `, cuda` after it,
it runs on a GPU. Views come from torchvision on WORKERS processes, two where nothing is said. Neither probe nor measures: less
work than the contender from this repository does.
"""

import resource
import sys
from contextlib import nullcontext
from time import perf_counter

import torch
import torchvision
from common import images, record, software
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy, normalize
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms as t

TEMPERATURE = 0.1


class Pairs(Dataset):
    """Two strong views of an image, by the seed's recipe, as [2, 3, 96, 96] floats."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.view = t.Compose([
            t.RandomResizedCrop(96, scale=(0.2, 1.0), antialias=True),
            t.RandomHorizontalFlip(),
            t.ColorJitter(0.5, 0.5, 0.5, 0.2),
            t.ToTensor(),
        ])

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        image = Image.fromarray(self.pixels[index])
        return torch.stack([self.view(image), self.view(image)])


def network() -> nn.Module:
    """Encoder and head of the seed: 889,088 parameters."""
    layers = []
    for channels in (3, 128, 128, 128):
        layers += [nn.Conv2d(channels, 128, 3, stride=2), nn.ReLU()]
    layers += [nn.Flatten(), nn.Linear(128 * 5 * 5, 128), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 128))


def loss(first, second):
    """The seed's form: the other view among the images of the batch, in both directions, summed."""
    scores = normalize(first) @ normalize(second).T / TEMPERATURE
    targets = torch.arange(len(first), device=first.device)
    both = [cross_entropy(logits, targets, reduction="sum") for logits in (scores, scores.T)]
    return sum(both) / 2


def main(loop: str, data: str, batch: str, steps: str, workers: str = "2") -> None:
    batch, steps = int(batch), int(steps)
    device = "cuda" if "cuda" in loop else "cpu"
    software(torch=torch.__version__, torchvision=torchvision.__version__)
    layout = torch.contiguous_format if loop.startswith("default") else torch.channels_last
    autocast = torch.autocast(device, torch.bfloat16) if "bf16" in loop else nullcontext()
    model = network().to(device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    pairs = Pairs(images(data, "unlabeled", "train"))
    # As many steps again come first: until then memory and caches are cold.
    sampler = RandomSampler(pairs, replacement=True, num_samples=2 * steps * batch)
    loader = DataLoader(pairs, batch, sampler=sampler, num_workers=int(workers), pin_memory=device == "cuda")
    batches = iter(loader)
    for step in range(2 * steps):
        if step == steps:
            begun, waited = perf_counter(), 0.0
        asked = perf_counter()
        views = next(batches)
        if step >= steps:
            waited += perf_counter() - asked
        # View 0 of all images, then view 1.
        views = views.to(device, non_blocking=True).transpose(0, 1).flatten(0, 1).contiguous(memory_format=layout)
        with autocast:
            projections = model(views)
        value = loss(*projections.float().chunk(2))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        value.item()
    secs = perf_counter() - begun
    contender = f"PyTorch, {loop}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record("training", "step", contender, "images a second", steps * batch / secs)
    record("training", "step", contender, "share of waiting", waited / secs)
    record("training", "step", contender, "bytes", peak)


if __name__ == "__main__":
    main(*sys.argv[1:])
