"""Features of a run's encoder as a table of pandas.

    python examples/python/features.py RUN FOLDER features.pkl

RUN is a run folder of `twinview pretrain`, FOLDER has images.
"""

import sys

import pandas
import torch
import twinview
from twinview.torch import load_encoder


def main(run, folder, out):
    size = twinview.Recipe.load(f"{run}/config.json").sizes[0]
    images = twinview.open(folder, image_size=size).unlabeled
    encoder = load_encoder(run)
    features = []
    with torch.inference_mode():
        for first in range(0, len(images), 64):
            part = range(first, min(first + 64, len(images)))
            batch = torch.stack([torch.from_dlpack(images[index]) for index in part])
            features.append(encoder(batch.float() / 255))
    table = pandas.DataFrame(torch.cat(features).numpy())
    table.insert(0, "file", [images.name(index) for index in range(len(images))])
    table.to_pickle(out)
    print(table.shape)


if __name__ == "__main__":
    main(*sys.argv[1:])
