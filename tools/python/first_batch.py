"""first_batch.py DATA: seconds from `twinview.open` to the first batch of 256 images, without the import."""

import sys
from time import perf_counter

import twinview

begun = perf_counter()
data = twinview.open(sys.argv[1])
loader = twinview.Loader(data.unlabeled, twinview.Recipe.load("simclr"), batch_size=256)
batch = next(iter(loader))
print(f"{perf_counter() - begun:.3f} s: {batch}")
