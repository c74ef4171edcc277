"""Augmented views of images for self-supervised learning: fast, deterministic, resumable.

>>> import torch, twinview
>>> data = twinview.open("photos", image_size=96)
>>> recipe = twinview.Recipe.load("simclr")
>>> loader = twinview.Loader(data.unlabeled, recipe, batch_size=256)
>>> for batch in loader:
...     views = torch.from_dlpack(batch.views[0])  # uint8 [256, 2, 3, 96, 96]
"""

from ._twinview import (
    Array,
    Batch,
    Dataset,
    Loader,
    LoaderIterator,
    Recipe,
    Split,
    __version__,
    from_array,
    open,
    render,
)

__all__ = [
    "Array",
    "Batch",
    "Dataset",
    "Loader",
    "LoaderIterator",
    "Recipe",
    "Split",
    "__version__",
    "from_array",
    "open",
    "render",
]
