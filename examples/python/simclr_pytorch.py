"""SimCLR in plain PyTorch, fed by Twinview's loader.

    python examples/python/simclr_pytorch.py FOLDER [EPOCHS]

FOLDER has images, in folders or not. Stopped and started again, it continues at the step where it was.
"""

import sys
from pathlib import Path

import torch
import torchvision
import twinview
from torch.nn.functional import cross_entropy, normalize

CHECKPOINT = Path("simclr.pt")
BATCH = 256
SIZE = 96


def nt_xent(projections, temperature=0.5):
    """NT-Xent of `[B, 2, D]`: each view against the other views of the batch."""
    z = normalize(projections.transpose(0, 1).flatten(0, 1), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(float("-inf"))
    count = len(projections)
    positives = torch.arange(2 * count, device=z.device).roll(count)
    return cross_entropy(similarity, positives)


def main(folder, epochs=1):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = twinview.open(folder, image_size=SIZE)
    recipe = twinview.Recipe.load("simclr", image_size=SIZE)
    batch_size = min(BATCH, len(data.unlabeled))
    loader = twinview.Loader(data.unlabeled, recipe, batch_size)
    encoder = torchvision.models.resnet18()
    encoder.fc = torch.nn.Sequential(
        torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 128)
    )
    encoder.to(device)
    optimizer = torch.optim.SGD(encoder.parameters(), 0.06, momentum=0.9, weight_decay=5e-4)
    if CHECKPOINT.exists():
        state = torch.load(CHECKPOINT, weights_only=True)
        encoder.load_state_dict(state["encoder"])
        optimizer.load_state_dict(state["optimizer"])
        loader.load_state_dict(state["loader"])
    for epoch in range(loader.epoch, epochs):
        for batch in loader:
            views = torch.from_dlpack(batch.views[0]).to(device)
            projections = encoder(views.flatten(0, 1).float() / 255)
            loss = nt_xent(projections.unflatten(0, (-1, 2)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"epoch {epoch} step {batch.step}: loss {loss.item():.4f}", flush=True)
        state = {
            "encoder": encoder.state_dict(),
            "optimizer": optimizer.state_dict(),
            "loader": loader.state_dict(),
        }
        torch.save(state, CHECKPOINT)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
