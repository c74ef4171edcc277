# %% [markdown]
# # Interoperability
#
# A run's encoder in torchvision, PyTorch, ONNX Runtime, pandas, scikit-learn and TensorBoard. This
# page is the output of [interop.py](../tools/interop/interop.py), which checks every claim by an
# assertion:
#
# ```sh
# python -m venv interop && interop/bin/pip install -r tools/interop/requirements.txt
# interop/bin/python tools/interop/render.py tools/interop/interop.py RUN DATA > docs/interop.md
# ```
#
# `RUN` is a run with a ResNet encoder, `DATA` its data as STL-10 binaries (`twinview data pack`
# converts any set), and `twinview` is on the path.

# %%
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import pandas
import torch
import torchvision
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run, data = map(Path, arguments)
out = Path(tempfile.mkdtemp())


def twinview(*words):
    command = ["twinview", "--quiet", "--json", *map(str, words)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def images(split):
    """STL-10's planes are columns of pixels: [n, 3, width, height]."""
    planes = np.fromfile(data / f"{split}_X.bin", np.uint8)
    side = int(np.sqrt(planes.size / 3 / np.fromfile(data / f"{split}_y.bin", np.uint8).size))
    return torch.from_numpy(planes.reshape(-1, 3, side, side).transpose(0, 1, 3, 2).copy())


def largest(a, b):
    return float((torch.as_tensor(a) - torch.as_tensor(b)).abs().max())


# %% [markdown]
# ## Weights in torchvision
#
# The names are torchvision's, without the classifier `fc`. The metadata of the file has the stem.

# %%
with safe_open(run / "encoder.safetensors", "pt") as file:
    about = json.loads(file.metadata()["twinview"])
    weights = {name: file.get_tensor(name) for name in file.keys()}
resnet = about["encoder"]["resnet"]
print(resnet, len(weights), "tensors")

model = getattr(torchvision.models, f"resnet{resnet['depth']}")()
model.fc = torch.nn.Identity()
if resnet["stem"] != "imagenet":
    model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
if resnet["stem"] == "small":
    model.maxpool = torch.nn.Identity()
print(model.load_state_dict(weights))
model.eval()

test = images("test")
with torch.no_grad():
    of_torchvision = model(test[:64].float() / 255)
print(tuple(of_torchvision.shape))

# %% [markdown]
# ## TorchScript in PyTorch
#
# The traced encoder takes bytes and is self-contained.

# %%
said = twinview("export", run, "--format", "torchscript", "--out", out / "encoder.pt")
print(said["input"], "->", said["features"], "features, after epoch", said["epoch"])
traced = torch.jit.load(out / "encoder.pt")
with torch.no_grad():
    of_torchscript = traced(test[:64])
off = largest(of_torchscript, of_torchvision)
print(f"at most {off:.1e} off torchvision's, of features up to {float(of_torchvision.max()):.2f}")
assert off < 1e-4

# %% [markdown]
# ## ONNX
#
# PyTorch's exporter converts torchvision's network with these weights, for any number of images, with
# input byte / 255.

# %%
torch.onnx.export(
    model,
    (test[:2].float() / 255,),
    out / "encoder.onnx",
    input_names=["images"],
    output_names=["features"],
    dynamic_shapes=({0: "n"},),
    verbose=False,
)
session = onnxruntime.InferenceSession(out / "encoder.onnx")
(of_onnx,) = session.run(None, {"images": (test[:64].float() / 255).numpy()})
off = largest(of_onnx, of_torchvision)
print(f"{of_onnx.shape}, at most {off:.1e} off torchvision's")
assert off < 1e-4

# %% [markdown]
# ## Features in pandas

# %%
splits = ["--split", "train", "--split", "test"]
twinview("embed", run, "--data", data, *splits, "--out", out / "features.parquet")
table = pandas.read_parquet(out / "features.parquet")
print(table.drop(columns="features").groupby("split").head(2).to_string(index=False))
features = {split: np.stack(rows["features"]) for split, rows in table.groupby("split")}
labels = {split: rows["label"].to_numpy() for split, rows in table.groupby("split")}
off = largest(features["test"][:64], of_torchscript)
print(f"at most {off:.1e} off TorchScript's")
assert off < 1e-4

# %% [markdown]
# ## scikit-learn's logistic regression
#
# `evaluate` standardizes features by mean and standard deviation of the training images, and chooses
# `C` on a part of them. With that `C` scikit-learn must reach the same accuracy.

# %%
linear = twinview("evaluate", run, "--data", data, "--protocol", "linear")["protocols"]["linear"]
mean, std = features["train"].mean(0), features["train"].std(0)
scaled = {split: (x - mean) / np.where(std > 1e-6, std, 1) for split, x in features.items()}
classifier = LogisticRegression(C=linear["c"], max_iter=5000)
classifier.fit(scaled["train"], labels["train"])
accuracy = classifier.score(scaled["test"], labels["test"])
print(f"twinview evaluate: {100 * linear['accuracy']:.2f} %, scikit-learn: {100 * accuracy:.2f} %")
assert abs(accuracy - linear["accuracy"]) < 0.003

# %% [markdown]
# ## Metrics in pandas

# %%
metrics = pandas.read_json(run / "metrics.jsonl", lines=True)
epochs = metrics[metrics["kind"] == "epoch"]
print(epochs[["epoch", "loss", "test_probe_acc", "effective_rank"]].tail(3).to_string(index=False))

# %% [markdown]
# ## Metrics in TensorBoard
#
# TensorBoard's reader, on the run folder.

# %%
events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0}).Reload()
print(len(events.Tags()["scalars"]), "scalars, such as", ", ".join(events.Tags()["scalars"][:3]))
tags = {
    "train/loss": "loss",
    "probe/test_probe_acc": "test_probe_acc",
    "health/effective_rank": "effective_rank",
}
for tag, column in tags.items():
    scalars = {event.step: event.value for event in events.Scalars(tag)}
    assert np.allclose(epochs["step"].map(scalars), epochs[column], rtol=1e-6)
(picture,) = events.Images("augmentation")
encoded = torch.frombuffer(bytearray(picture.encoded_image_string), dtype=torch.uint8)
decoded = torchvision.io.decode_image(encoded)
print("augmentation:", picture.width, "x", picture.height, "pixels at step", picture.step)
assert tuple(decoded.shape) == (3, picture.height, picture.width)
