"""What needs PyTorch: a loader as a dataset of `torch.utils.data`, and encoders of runs as modules."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from . import Batch, Loader

__all__ = ["LoaderDataset", "as_dataset", "load_encoder"]

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
}


_NO_WORKERS = (
    "a twinview loader has threads of its own and can't be used in worker processes: "
    "use num_workers=0"
)


class LoaderDataset(IterableDataset):
    """The batches of a loader, for `DataLoader(dataset, batch_size=None)`.

    Each is a dict of `views`, uint8 `[B, V, 3, H, W]` (a list of such tensors where views have
    several sizes), `labels` and `indices`, int64 `[B]`.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self):
        if get_worker_info() is not None:
            raise RuntimeError(_NO_WORKERS)
        for batch in self.loader:
            yield _tensors(batch)

    def __getstate__(self):
        # Worker processes that are not forked get a pickled dataset.
        raise RuntimeError(_NO_WORKERS)

    def set_epoch(self, epoch: int) -> None:
        self.loader.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        return self.loader.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loader.load_state_dict(state)


def as_dataset(loader: Loader) -> LoaderDataset:
    """A loader as an `IterableDataset` for `DataLoader(as_dataset(loader), batch_size=None)`."""
    return LoaderDataset(loader)


def _tensors(batch: Batch) -> dict[str, Any]:
    views = [torch.from_dlpack(block) for block in batch.views]
    return {
        "views": views[0] if len(views) == 1 else views,
        "labels": torch.from_dlpack(batch.labels),
        "indices": torch.from_dlpack(batch.indices),
    }


def load_encoder(path: str | Path) -> torch.nn.Module:
    """The encoder of a run, in evaluation mode, from images in 0..=1 to features.

    `path` is a run folder, an `encoder.safetensors`, or a TorchScript file of `twinview export`. A
    ResNet is torchvision's, a vision transformer or ConvNeXt timm's, with the weights of the run; the
    small convolutional encoder is a module of this package. TorchScript takes bytes. Raises OSError for a
    file that cannot be read, ValueError for one that is none of these.
    """
    path = Path(path)
    if path.suffix in (".pt", ".pth", ".torchscript"):
        return torch.jit.load(str(path)).eval()
    if path.is_dir():
        path = path / "encoder.safetensors"
    about, weights = _read_safetensors(path)
    try:
        about = json.loads(about["twinview"])
        ((kind, config),) = about["encoder"].items()
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path}: expected the encoder of a run, found another file") from None
    builders = {"resnet": _resnet, "vit": _vit, "convnext": _convnext, "conv": _conv}
    if kind not in builders:
        known = ", ".join(builders)
        raise ValueError(f"{path}: expected an encoder of {known}, found {kind}")
    try:
        model = builders[kind](config, weights)
        model.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError):
        # PyTorch's message has a line for each weight.
        raise ValueError(f"{path}: expected the weights of {kind} {config}, found others") from None
    return _normalized(model, config.get("normalize", "none")).eval()


def _read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    data = bytearray(path.read_bytes())
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        about = header.pop("__metadata__", {})
        weights = {}
        for name, tensor in header.items():
            start, end = tensor["data_offsets"]
            dtype, shape = _DTYPES[tensor["dtype"]], tensor["shape"]
            size = math.prod(shape) * dtype.itemsize
            if end - start != size or 8 + length + end > len(data):
                raise ValueError(name)
            if size == 0:
                weights[name] = torch.empty(shape, dtype=dtype)
                continue
            flat = torch.frombuffer(
                data, dtype=dtype, count=math.prod(shape), offset=8 + length + start
            )
            weights[name] = flat.reshape(shape).clone()
    except (struct.error, KeyError, TypeError, ValueError):
        raise ValueError(f"{path}: expected a safetensors file, found another one") from None
    return about, weights


def _resnet(config, weights) -> torch.nn.Module:
    import torchvision

    norm = config["norm"]
    options = {}
    if norm == "group":
        options["norm_layer"] = lambda channels: torch.nn.GroupNorm(32, channels)
    elif norm != "batch":
        raise ValueError(f"encoder.resnet.norm: expected batch or group, found {norm}")
    model = getattr(torchvision.models, f"resnet{config['depth']}")(**options)
    model.fc = torch.nn.Identity()
    if config["stem"] != "imagenet":
        model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    if config["stem"] == "small":
        model.maxpool = torch.nn.Identity()
    return model


def _vit(config, weights) -> torch.nn.Module:
    import timm

    size = config["size"]
    options = {}
    if isinstance(size, dict):
        options.update(size["custom"])
        size = "tiny"
    registers = config.get("register_tokens", 0)
    return timm.create_model(
        f"vit_{size}_patch16_224",
        patch_size=config["patch_size"],
        img_size=config["img_size"],
        num_classes=0,
        dynamic_img_size=True,
        init_values=config.get("layer_scale"),
        reg_tokens=registers,
        no_embed_class=config.get("no_embed_class", False),
        global_pool=config.get("pool", "token"),
        **options,
    )


def _convnext(config, weights) -> torch.nn.Module:
    import timm

    return timm.create_model(f"convnext_{config['size']}", num_classes=0)


def _conv(config, weights) -> torch.nn.Module:
    return _ConvEncoder(config["width"], config["layers"], config["pool"], weights)


class _ConvEncoder(torch.nn.Module):
    """`layers` convolutions of 3 x 3 and stride 2 with ReLU, pool, dense layer, ReLU."""

    def __init__(self, width, layers, pool, weights) -> None:
        super().__init__()
        self.pool = pool
        self.layers = layers
        for layer in range(1, layers + 1):
            inputs = 3 if layer == 1 else width
            setattr(self, f"conv{layer}", torch.nn.Conv2d(inputs, width, 3, stride=2))
        self.dense = torch.nn.Linear(weights["dense.weight"].shape[1], width)

    def forward(self, images):
        maps = images
        for layer in range(1, self.layers + 1):
            maps = getattr(self, f"conv{layer}")(maps).relu()
        # Channels last, as the weights of the dense layer are.
        flat = maps.permute(0, 2, 3, 1).flatten(1)
        features = maps.mean((2, 3)) if self.pool == "mean" else flat
        return self.dense(features).relu()


class _Normalized(torch.nn.Module):
    """A network behind the normalization that it was trained with."""

    def __init__(self, model, mean, std) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, images):
        return self.model((images - self.mean) / self.std)


def _normalized(model, normalize) -> torch.nn.Module:
    if normalize in (None, "none"):
        return model
    if normalize == "imagenet":
        normalize = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]
    return _Normalized(model, *normalize)
