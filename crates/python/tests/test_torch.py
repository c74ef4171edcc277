"""With PyTorch: tensors, datasets, encoders and examples. Skipped where packages are missing."""

import importlib.util
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twinview
from conftest import digest, pixels, write_photos

torch = pytest.importorskip("torch", reason="PyTorch is not installed (--with-torch installs it)")

from twinview.torch import as_dataset, load_encoder  # noqa: E402

EXAMPLES = Path(__file__).parents[3] / "examples/python"


def needs(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def loader(images, recipe):
    return twinview.Loader(twinview.from_array(torch.from_numpy(images)), recipe, 8)


def test_tensors_share_the_memory(loader):
    batch = next(iter(loader))
    views = torch.from_dlpack(batch.views[0])
    assert views.data_ptr() == batch.views[0].__array_interface__["data"][0]
    assert (views.dtype, tuple(views.shape)) == (torch.uint8, batch.views[0].shape)
    assert torch.from_dlpack(batch.labels).dtype == torch.int64


def test_next_into_fills_a_tensor(images, recipe, loader):
    out = torch.zeros(8, 2, 3, 16, 16, dtype=torch.uint8)
    batch = loader.next_into(out)
    expected = next(iter(twinview.Loader(twinview.from_array(images), recipe, 8)))
    assert batch.views[0] is out
    assert (out[: len(batch)].numpy() == np.asarray(expected.views[0])).all()


def test_a_data_loader_gives_the_batches(images, recipe, loader):
    batches = list(torch.utils.data.DataLoader(as_dataset(loader), batch_size=None))
    expected = list(twinview.Loader(twinview.from_array(images), recipe, 8))
    assert len(batches) == len(expected) == len(as_dataset(loader))
    for found, batch in zip(batches, expected):
        assert (found["views"].numpy() == np.asarray(batch.views[0])).all()
        assert found["indices"].tolist() == np.asarray(batch.indices).tolist()
    for method in ("fork", "spawn"):
        workers = {"num_workers": 1, "multiprocessing_context": method}
        with pytest.raises(RuntimeError, match="use num_workers=0"):
            list(torch.utils.data.DataLoader(as_dataset(loader), batch_size=None, **workers))


def test_a_dataset_is_resumed(loader):
    dataset = as_dataset(loader)
    expected = [digest(batch) for _ in range(2) for batch in loader]
    dataset.set_epoch(0)
    iterator = iter(dataset)
    next(iterator)
    state = dataset.state_dict()
    dataset.set_epoch(5)
    dataset.load_state_dict(state)
    assert [digest(batch) for _ in range(2) for batch in loader] == expected[1:]


def test_wrong_tensors_are_refused(images):
    tensor = torch.from_numpy(images)
    for wrong, text in [
        (tensor.float(), "images: expected uint8, found float32"),
        (tensor.permute(0, 1, 3, 2), "images: expected elements in C order"),
        (tensor.permute(0, 2, 3, 1).contiguous(), "images: expected shape [N, 3, H, W]"),
    ]:
        with pytest.raises(ValueError) as caught:
            twinview.from_array(wrong)
        message = str(caught.value)
        assert message.startswith(text) and len(message.splitlines()) == 1, message


class Small(torch.nn.Module):
    """A loss of views, and which images it has seen."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3 * 16 * 16, 4)
        self.seen = []

    def loss(self, views, indices):
        self.seen.append(indices.tolist())
        first, second = self.layer(views.flatten(2).float() / 255).unbind(1)
        return (first - second).square().mean()


def orders(loader, epochs):
    """The indices of the batches of some epochs."""
    return [np.asarray(batch.indices).tolist() for _ in range(epochs) for batch in loader]


@pytest.fixture
def expected_order(images, recipe):
    return orders(twinview.Loader(twinview.from_array(images), recipe, 8), 3)


@needs("lightning")
def test_lightning_trains_and_continues(tmp_path, images, recipe, expected_order):
    import lightning

    checkpoint = tmp_path / "lightning.ckpt"

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.small = Small()
            self.dataset = as_dataset(twinview.Loader(twinview.from_array(images), recipe, 8))

        def train_dataloader(self):
            return torch.utils.data.DataLoader(self.dataset, batch_size=None)

        def training_step(self, batch, step):
            return self.small.loss(batch["views"], batch["indices"])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

        def on_train_batch_end(self, *_):
            if self.global_step == 4:
                self.trainer.save_checkpoint(checkpoint)

        def on_save_checkpoint(self, checkpoint):
            checkpoint["loader"] = self.dataset.state_dict()

        def on_load_checkpoint(self, checkpoint):
            self.dataset.load_state_dict(checkpoint["loader"])

    def seen(**options):
        module = Module()
        trainer = lightning.Trainer(
            max_epochs=3,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        trainer.fit(module, **options)
        return module.small.seen

    assert seen() == expected_order
    assert seen(ckpt_path=checkpoint) == expected_order[4:]


@needs("transformers", "accelerate")
def test_the_trainer_of_hugging_face_trains(tmp_path, loader, expected_order):
    import transformers

    class Model(Small):
        def forward(self, views, indices, labels=None):
            return {"loss": self.loss(views, indices)}

    model = Model()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=3,
        # An item of the dataset is a batch.
        per_device_train_batch_size=1,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=as_dataset(loader),
        data_collator=lambda batches: batches[0],
    )
    trainer.train()
    assert model.seen == expected_order


def write_encoder(path, encoder, tensors, image_size=32):
    about = {"encoder": encoder, "image_size": image_size, "input": "RGB / 255, NCHW"}
    header, data = {"__metadata__": {"twinview": json.dumps(about)}}, b""
    for name, tensor in tensors.items():
        raw = tensor.numpy().tobytes()
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@needs("torchvision")
def test_a_resnet_is_loaded(tmp_path):
    import torchvision

    model = torchvision.models.resnet18()
    model.fc = torch.nn.Identity()
    model.eval()
    resnet = {"depth": 18, "stem": "imagenet", "norm": "batch"}
    write_encoder(tmp_path / "encoder.safetensors", {"resnet": resnet}, model.state_dict())
    loaded = load_encoder(tmp_path)
    assert type(loaded) is torchvision.models.ResNet and not loaded.training
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded(images), model(images))
    write_encoder(
        tmp_path / "encoder.safetensors",
        {"resnet": {**resnet, "normalize": "imagenet"}},
        model.state_dict(),
    )
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    assert torch.allclose(load_encoder(tmp_path)(images), model((images - mean) / std), atol=1e-5)


@needs("timm")
def test_a_vision_transformer_is_loaded(tmp_path):
    import timm

    model = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0).eval()
    vit = {"size": "tiny", "patch_size": 16, "img_size": 32}
    write_encoder(tmp_path / "encoder.safetensors", {"vit": vit}, model.state_dict())
    images = torch.rand(2, 3, 32, 32)
    assert torch.allclose(load_encoder(tmp_path)(images), model(images), atol=1e-5)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(OSError, match="encoder.safetensors"):
        load_encoder(tmp_path)
    file = tmp_path / "encoder.safetensors"
    for content in (b"", b"no safetensors at all", struct.pack("<Q", 2) + b"{}"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="encoder.safetensors: expected"):
            load_encoder(file)


def test_other_weights_are_named_in_one_line(tmp_path):
    file = tmp_path / "encoder.safetensors"
    conv = {"width": 4, "layers": 1, "pool": "mean"}
    for encoder, text in [
        ({"conv": conv}, f"{file}: expected the weights of conv"),
        ({"mlp": {}}, f"{file}: expected an encoder of resnet, vit, convnext, conv, found mlp"),
    ]:
        write_encoder(file, encoder, {"dense.weight": torch.zeros(4, 3)})
        with pytest.raises(ValueError) as caught:
            load_encoder(file)
        message = str(caught.value)
        assert message.startswith(text) and len(message.splitlines()) == 1, message


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", 12)


def example(name, folder, *arguments):
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs("torchvision")
def test_the_example_of_a_plain_loop_trains_and_continues(tmp_path, photos, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "epoch 0 step 0: loss" in example("simclr_pytorch.py", tmp_path, photos, 1)
    continued = example("simclr_pytorch.py", tmp_path, photos, 2)
    assert "epoch 1 step 0" in continued and "epoch 0" not in continued


@needs("torchvision", "lightly")
def test_the_example_of_lightly_trains(tmp_path, photos, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "loss" in example("lightly_loss.py", tmp_path, photos)


@needs("pandas", "torchvision")
def test_the_example_of_features_writes_a_table(tmp_path, photos, monkeypatch):
    import torchvision

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = tmp_path / "run"
    run.mkdir()
    model = torchvision.models.resnet18()
    model.fc = torch.nn.Identity()
    resnet = {"depth": 18, "stem": "imagenet", "norm": "batch"}
    write_encoder(run / "encoder.safetensors", {"resnet": resnet}, model.state_dict())
    views = {"count": 2, "size": 1.0, "transforms": []}
    config = {"image_size": 32, "augment": {"views": [views]}}
    (run / "config.json").write_text(json.dumps({"format": 2, "config": config}))
    assert "(12, 513)" in example("features.py", tmp_path, run, photos, tmp_path / "table.pkl")
