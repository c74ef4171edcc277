"""Pins what training computes: trains a matrix of tiny runs with a twinview binary and prints a
SHA-256 sum of the tensors of each run's encoder.safetensors and of its scores by `evaluate`.

    python tools/pins/pins.py target/debug/twinview > after.json

Two revisions compute the same where the sums are equal. Sums depend on the processor's instruction
sets through libtorch: compare lists made on one machine in one go. All runs use 32-bit floats, one
thread and six steps of the synthetic set.
"""

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from convert import convert

SIZE = 32
STEPS = 6

FLIP = {"flip": {"p": 0.5}}
CROP = {"crop": {"area": [0.2, 1.0], "aspect": [0.75, 1.3333333333333333], "draw": "redrawn"}}
CLIPPED = {"crop": {"area": [0.2, 1.0], "aspect": [0.75, 1.3333333333333333], "draw": "clipped"}}
JITTER = {"jitter": {"p": 0.8, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}}
GRAY = {"grayscale": {"p": 0.2}}
BLUR = {"blur": {"p": 0.5, "kernel": 5, "sigma": [0.1, 2.0]}}
SOLARIZE = {"solarize": {"p": 0.3, "threshold": 0.5}}
VIEW = [FLIP, CROP, JITTER, GRAY, BLUR]
OTHER = [FLIP, CLIPPED, JITTER, GRAY, SOLARIZE]

ADAM = {
    "adam": {
        "form": "usual",
        "learning_rate": {"constant": 0.001},
        "betas": [0.9, 0.999],
        "epsilon": 1e-08,
    }
}
KERAS = {"adam": {**ADAM["adam"], "form": "keras", "epsilon": 1e-07}}
SGD = {
    "sgd": {
        "learning_rate": {"warm_up_cosine": {"from": 0.0, "peak": 0.06, "to": 0.0, "share": 0.3}},
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": {"constant": 0.0005},
        "exclude_bias_and_norm": False,
    }
}
LARS = {
    "lars": {
        "learning_rate": {"cosine": {"from": 0.3, "to": 0.0}},
        "momentum": 0.9,
        "trust_coefficient": 0.001,
        "weight_decay": {"constant": 1e-6},
        "exclude_bias_and_norm": True,
    }
}
ADAMW = {
    "adamw": {
        "learning_rate": {"warm_up": {"from": 0.0, "to": 0.001, "share": 0.5}},
        "betas": [0.9, 0.999],
        "epsilon": 1e-08,
        "weight_decay": {"cosine": {"from": 0.04, "to": 0.4}},
        "exclude_bias_and_norm": True,
    }
}

CONV = {"conv": {"width": 16, "layers": 3, "pool": "flatten"}}
ENCODERS = {
    "conv": CONV,
    "resnet18-batch": {"resnet": {"depth": 18, "stem": "small", "norm": "batch"}},
    "resnet18-group": {"resnet": {"depth": 18, "stem": "stl", "norm": "group"}},
    "vit-tiny": {"vit": {"size": "tiny", "patch": 8, "image": SIZE}},
}

MOMENTUM = {"constant": 0.9}
PREDICTOR = {"hidden": [16], "norm": "hidden"}
QUEUE = 64
METHODS = {
    "simclr": {
        form: {"form": form, "temperature": 0.5} for form in ("seed", "paper")
    },
    "nnclr": {
        form: {"form": form, "temperature": 0.1, "queue": QUEUE, "predictor": predictor}
        for form, predictor in (("seed", None), ("paper", PREDICTOR), ("all_views", PREDICTOR))
    },
    "dcl": {
        "seed": {"form": "seed", "temperature": 0.1},
        "paper": {"form": "paper", "temperature": 0.1},
        "weighted": {"form": {"weighted": {"sigma": 0.5}}, "temperature": 0.1},
    },
    "barlow_twins": {
        "seed": {"form": "seed", "redundancy_weight": 10.0},
        "paper": {"form": "paper", "redundancy_weight": 0.005},
    },
    "hsic_twins": {
        "seed": {"form": "seed", "redundancy_weight": 3.0},
        "paper": {"form": "paper", "redundancy_weight": 0.05},
    },
    "twist": {form: {"form": form} for form in ("seed", "paper")},
    "moco": {
        "seed": {"form": "seed", "queue": QUEUE, "predictor": None},
        "v2": {"form": "v2", "queue": QUEUE, "predictor": None},
        "v3": {"form": "v3", "queue": 0, "predictor": PREDICTOR},
    },
    "dino": {
        "seed": {"form": "seed", "sharpening": {"constant": 0.5}},
        "paper": {"form": {"paper": {"center_momentum": 0.9}}, "sharpening": {"constant": 0.4}},
    },
    "byol": {"": {"momentum": {"cosine": {"from": 0.9, "to": 1.0}}, "predictor": PREDICTOR}},
    "simsiam": {"": {"predictor": PREDICTOR}},
    "vicreg": {"": {"invariance": 25.0, "variance": 25.0, "covariance": 1.0}},
    "swav": {
        "": {
            "temperature": 0.1,
            "epsilon": 0.05,
            "iterations": 3,
            "prototypes": 24,
            "queue": 32,
        }
    },
}
for settings in METHODS["moco"].values():
    settings.update(temperature=0.1, momentum=MOMENTUM)
for settings in METHODS["dino"].values():
    settings.update(temperature=0.1, momentum=MOMENTUM)

MLP = {"mlp": {"hidden": [32], "output": 16, "norm": "hidden"}}
HEAD = {"prototypes": {"hidden": [32, 32], "bottleneck": 8, "output": 24}}


def config(method, settings, encoder, **changes):
    paper = method == "dino" and settings["form"] != "seed"
    views = [{"size": SIZE, "ops": VIEW}, {"size": SIZE, "ops": OTHER if paper else VIEW}]
    base = {
        "seed": 3,
        "image_size": SIZE,
        "augment": {"views": views, "probe": {"size": SIZE, "ops": [FLIP, CROP]}},
        "encoder": encoder,
        "projection": HEAD if paper else MLP,
        "method": {method: settings},
        "optimizer": ADAM,
        "probe": {"optimizer": KERAS},
        "train": {
            "epochs": 3,
            "steps": STEPS,
            "patience": None,
            "batch_size": 16,
            "micro_batch": None,
            "reduction": "mean",
            "clip_norm": None,
            "teacher_init": "copy",
            "device": "cpu",
            "precision": "f32",
            "workers": 1,
            "log_every": 2,
        },
        "health": {"on_collapse": "warn", "least_std": 0.0, "least_rank": 0.0, "checks": 3},
        "checkpoint": {
            "every_epochs": 1,
            "every_steps": 3,
            "every_minutes": 0.0,
            "keep": 2,
            "best": "rank",
        },
    }
    for key, value in changes.items():
        if isinstance(value, dict) and key in ("train", "checkpoint"):
            base[key] = {**base[key], **value}
        else:
            base[key] = value
    return base


def cases():
    """Names and configurations of all runs."""
    for method, variants in METHODS.items():
        for variant, settings in variants.items():
            for encoder, values in ENCODERS.items():
                name = "/".join(part for part in (method, variant, encoder) if part)
                yield name, config(method, settings, values)
    simclr, dino = METHODS["simclr"]["paper"], METHODS["dino"]["paper"]
    yield "simclr/micro_batch", config("simclr", simclr, CONV, train={"micro_batch": 6})
    mean = {"conv": {**CONV["conv"], "pool": "mean"}}
    for method, settings in (("dino", dino), ("swav", METHODS["swav"][""])):
        crops = config(method, settings, mean)
        local = {"size": SIZE // 2, "ops": VIEW}
        crops["augment"]["views"] += [local, local, local]
        yield f"{method}/multi-crop", crops
    for name, optimizer in (("sgd", SGD), ("lars", LARS), ("adamw", ADAMW)):
        yield f"simclr/{name}", config("simclr", simclr, CONV, optimizer=optimizer)
    clipped = {"reduction": "sum", "clip_norm": 0.5, "teacher_init": "fresh"}
    yield "moco/sum", config("moco", METHODS["moco"]["seed"], CONV, train=clipped)
    best = {"best": {"validation": {"share": 0.2}}}
    yield "simclr/validation", config("simclr", simclr, CONV, checkpoint=best)


def tensors(path):
    """A sum over names, kinds, shapes and bytes of the tensors of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    total = hashlib.sha256()
    for name in sorted(header):
        entry = header[name]
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        total.update(f"{name} {entry['dtype']} {entry['shape']}\n".encode())
        total.update(data[begin:end])
    return total.hexdigest()


def scores(document):
    """Every accuracy of an evaluation, by the order of the keys."""
    found = []

    def walk(value, key):
        if isinstance(value, dict):
            for key, inner in sorted(value.items()):
                walk(inner, key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, key)
        elif key in ("accuracy", "accuracies", "mean"):
            found.append(value)

    walk(document, "")
    assert found, "no scores"
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--format", type=int, default=2, choices=(1, 2))
    parser.add_argument("--only", default="", help="cases whose names contain this")
    arguments = parser.parse_args()
    binary = arguments.binary.resolve()
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NO_COLOR": "1"}
    sums = {}
    with tempfile.TemporaryDirectory() as folder:

        def twinview(*args):
            ran = subprocess.run(
                [binary, "--quiet", *args], cwd=folder, env=env, capture_output=True, text=True
            )
            if ran.returncode:
                sys.exit(f"twinview {' '.join(map(str, args))}: {ran.stderr}")
            return ran.stdout

        size = "--image-size" if arguments.format == 2 else "--size"
        counts = ("--unlabeled", "96", "--train", "60", "--test", "40", size, str(SIZE))
        twinview("data", "synth", "--out", "data", *counts)

        def pretrain(run, settings, *more):
            settings = convert(settings) if arguments.format == 2 else settings
            (method,) = settings["method"]
            path = Path(folder) / "config.json"
            path.write_text(json.dumps(settings))
            twinview("pretrain", method, "--config", path, "--data", "data", "--run", run, *more)

        def add(name, run, evaluate):
            sums[name] = {"encoder": tensors(Path(folder) / run / "encoder.safetensors")}
            if evaluate:
                protocols = ("--protocol", "linear", "--protocol", "knn")
                result = twinview("--json", "evaluate", run, *protocols, "--device", "cpu")
                sums[name]["scores"] = scores(json.loads(result))
            print(name, sums[name]["encoder"][:12], file=sys.stderr, flush=True)

        for number, (name, settings) in enumerate(cases()):
            if arguments.only in name:
                run = f"run{number}"
                pretrain(run, settings)
                # The ways to measure don't depend on the method: those of one encoder will do.
                add(name, run, name.endswith("/conv") or "/resnet18" in name and "simclr" in name)
        if arguments.only in "dino/resumed":
            # Stopped after three steps, then resumed to the same end.
            settings = config("dino", METHODS["dino"]["paper"], CONV)
            steps = "--max-steps" if arguments.format == 2 else "--steps"
            pretrain("resumed", settings, steps, "3")
            method = ("pretrain", "dino", "--data", "data", "--run", "resumed")
            twinview(*method, "--resume", steps, str(STEPS))
            add("dino/resumed", "resumed", True)
    json.dump(sums, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
