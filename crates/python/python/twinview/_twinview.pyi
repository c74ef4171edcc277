"""Types of the extension module."""

from collections.abc import Iterator, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Self, final

__version__: str

@final
class Array:
    """Elements in memory, in C order.

    `numpy.asarray(array)`, `torch.from_dlpack(array)` and `memoryview(array)` share the memory,
    which stays valid until the last of them is gone. `jax.dlpack.from_dlpack(array)` copies it.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Split:
    """Images of one size with optional labels."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""

    @property
    def labels(self) -> Array | None:
        """int64 `[N]`, 0-based; None if unlabeled."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Array:
        """A copy of an image, uint8 `[3, H, W]`."""

    def name(self, index: int) -> str | None:
        """The file name of an image; None if it is not known."""

@final
class Dataset:
    """An image set: up to three splits of images of one size."""

    @property
    def kind(self) -> str: ...
    @property
    def unlabeled(self) -> Split:
        """Unlabeled images; those of `train` if the source has none."""

    @property
    def train(self) -> Split | None: ...
    @property
    def test(self) -> Split | None: ...
    @property
    def class_names(self) -> list[str]:
        """One name a class, in label order."""

@final
class Recipe:
    """The views that are made of every image."""

    @staticmethod
    def load(
        source: str | PathLike[str] | dict[str, Any], *, image_size: int | None = None
    ) -> Recipe:
        """Loads a method's recipe by name, or one from a JSON file or a dict."""

    @property
    def sizes(self) -> list[int]:
        """Side in pixels of every view, in order."""

    def __len__(self) -> int: ...

@final
class Batch:
    """One step's worth of views."""

    @property
    def epoch(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def views(self) -> tuple[Any, ...]:
        """One array for each size of views: uint8 `[B, V, 3, H, W]`."""

    @property
    def labels(self) -> Array:
        """int64 `[B]`; -1 for an image without a label."""

    @property
    def indices(self) -> Array:
        """Which images these are: int64 `[B]`."""

    def __len__(self) -> int:
        """Number of images."""

@final
class LoaderIterator:
    """The batches of one epoch."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Batch: ...

@final
class Loader:
    """Batches of views, an epoch at a time, from any position.

    `batch_size` counts the images of all ranks together. `workers` 0 takes all cores; their number
    changes no byte. With `drop_last` all batches have `batch_size` images, else they differ by one
    at most.
    """

    def __new__(
        cls,
        data: Split | Dataset,
        recipe: Recipe,
        batch_size: int,
        *,
        seed: int = 0,
        workers: int = 0,
        prefetch: int = 2,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
    ) -> Self: ...
    def __len__(self) -> int:
        """Batches of an epoch."""

    @property
    def epoch(self) -> int:
        """The epoch of the next batch, from 0."""

    @property
    def step(self) -> int:
        """The step of the next batch inside its epoch, from 0."""

    def __iter__(self) -> Iterator[Batch]: ...
    def next_into(self, out: Any) -> Batch:
        """Writes the views of the next batch into `out`.

        One array, or a list with one for each size of views: uint8 `[B, V, 3, H, W]` with at least
        as many images as a batch may have. Epochs follow one another without end.
        """

    def set_epoch(self, epoch: int) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def open(
    path: str | PathLike[str],
    *,
    image_size: int = 96,
    labels: str | PathLike[str] | None = None,
    cache_dir: str | PathLike[str] | None = None,
    skip_bad: bool = False,
    store: str = "square",
) -> Dataset:
    """Opens a folder of images, archives, or STL-10 or CIFAR-10 binaries.

    Raises OSError for a set that cannot be read, in one line that names the file.
    """

def from_array(images: Any, labels: Sequence[int] | Any | None = None) -> Split:
    """A split of the images of an array, uint8 `[N, 3, H, W]` in C order.

    The array is borrowed, not copied. Raises ValueError for another dtype, order or shape.
    """

def render(
    images: Any,
    recipe: Recipe,
    keys: Sequence[tuple[int, int, int]] | Any,
    out: Any | None = None,
    threads: int = 0,
) -> list[Any]:
    """Renders the views of images, uint8 `[N, 3, H, W]`.

    `keys` are N triples of seed, epoch and image number. Returns one array for each size of views:
    uint8 `[N, V, 3, size, size]`, those of `out` if given.
    """
