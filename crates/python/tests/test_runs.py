"""Runs of the installed command, beside a real PyTorch and without Rust: `twinview-cli` as a wheel.

Skipped where the wheel is not installed (`--with-torch` builds and installs it).
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twinview
from conftest import write_photos

torch = pytest.importorskip("torch", reason="PyTorch is not installed (--with-torch installs it)")

from twinview.torch import load_encoder  # noqa: E402

PROGRAM = Path(sys.executable).with_name("twinview")
pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="twinview-cli is not installed (--with-torch installs it)"
)


def command(folder, *arguments):
    """Runs the installed command where nothing but the system's programs is to be found."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_folder_of_images_is_trained_on(tmp_path):
    photos = write_photos(tmp_path / "photos", 12)
    command(tmp_path, "pretrain", "simclr", "--data", photos, "--epochs", "1")
    summary = json.loads((tmp_path / "runs/simclr/summary.json").read_text())
    assert summary["epochs"] == 1, summary


def test_another_torch_and_none_are_one_line(tmp_path):
    other = tmp_path / "other/torch-2.10.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.10.0\n")
    alone = tmp_path / "alone"
    alone.mkdir()
    package = Path(importlib.util.find_spec("twinview_cli").origin).parent
    (alone / "twinview_cli").symlink_to(package)
    for found, path, start in [
        ("2.10.0", other.parent, [PROGRAM]),
        ("none", alone, [sys.executable, "-S", "-m", "twinview_cli"]),
    ]:
        done = subprocess.run(
            [*start, "pretrain", "simclr"],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(path)},
        )
        install = "install it by `pip install 'torch==2.11.*'`"
        message = f"error: torch: expected version 2.11, found {found}; {install}\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


ENCODERS = {
    "conv": [],
    "convnext-tiny": ["--encoder", "convnext-tiny"],
    "resnet18": ["--encoder", "resnet18"],
    "vit-tiny": ["--encoder", "vit-tiny"],
    "vit-tiny, registers, mean": [
        "--encoder",
        "vit-tiny",
        *("--set", "encoder.vit.register_tokens=2"),
        *("--set", "encoder.vit.pool=avg"),
        *("--set", "encoder.vit.normalize=imagenet"),
    ],
}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoders_of_runs_give_the_features_of_the_command(tmp_path, encoder):
    if encoder != "conv":
        pytest.importorskip("torchvision")
        pytest.importorskip("timm")
    photos = write_photos(tmp_path / "photos", 12)
    run, module = tmp_path / "run", tmp_path / "encoder.pt"
    settings = ["--epochs", "1", "--batch-size", "6", "--image-size", "32", *ENCODERS[encoder]]
    command(tmp_path, "pretrain", "simclr", "--data", photos, "--run", run, *settings)
    command(tmp_path, "export", run, "--format", "torchscript", "--out", module)
    command(tmp_path, "embed", run, "--data", photos, "--out", tmp_path / "features.npy")
    expected = torch.from_numpy(np.load(tmp_path / "features.npy"))
    images = twinview.open(photos, image_size=32, cache_dir=tmp_path / "cache").unlabeled
    images = torch.stack([torch.from_dlpack(image) for image in images])
    with torch.inference_mode():
        for features in (load_encoder(run)(images.float() / 255), load_encoder(module)(images)):
            error = (features - expected).norm() / expected.norm()
            assert features.shape == expected.shape and error < 1e-4, (encoder, error)


