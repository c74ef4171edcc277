"""Lightly's NTXentLoss on views of Twinview's loader.

    python examples/python/lightly_loss.py FOLDER
"""

import sys

import torch
import torchvision
import twinview
from lightly.loss import NTXentLoss
from torch.utils.data import DataLoader
from twinview.torch import as_dataset


def main(folder):
    data = twinview.open(folder, image_size=64)
    recipe = twinview.Recipe.load("simclr", image_size=64)
    loader = twinview.Loader(data.unlabeled, recipe, min(128, len(data.unlabeled)))
    model = torchvision.models.resnet18(num_classes=128)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    criterion = NTXentLoss(temperature=0.5)
    for batch in DataLoader(as_dataset(loader), batch_size=None):
        first, second = (batch["views"].float() / 255).unbind(1)
        loss = criterion(model(first), model(second))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
