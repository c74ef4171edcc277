"""Times training on a GPU, with and without CUDA graphs, and writes a table.

    python3 tools/bench/gpu.py FOLDER [--twinview PROGRAM] [--rows NAME,...] [--images N] [-- MORE ...]

Each row trains on a synthetic set, which is made in FOLDER first: five epochs, of which the fastest
counts. The row `goal` is 30 epochs of the seed's SimCLR on a set of STL-10's size, timed from start
to end. What stands after `--` is given to `twinview pretrain` too: with `-- --device cpu` nothing
has graphs. The table is printed, and written to FOLDER/gpu.md as rows are done.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

SEED = ["simclr", "--preset", "seed"]
# Name: side of the images, and what is trained.
ROWS = {
    "seed-256-bf16": (96, [*SEED, "--batch-size", "256", "--precision", "bf16"]),
    "seed-525-bf16": (96, [*SEED, "--batch-size", "525", "--precision", "bf16"]),
    "seed-525-tf32": (96, [*SEED, "--batch-size", "525", "--precision", "tf32"]),
    "seed-525-f32": (96, [*SEED, "--batch-size", "525", "--precision", "f32"]),
    "resnet18-256": (96, ["simclr", "--preset", "gpu", "--batch-size", "256"]),
    "dino-256": (96, ["dino", "--preset", "gpu", "--batch-size", "256"]),
    "vit-small-256": (224, ["simclr", "--preset", "gpu", "--encoder", "vit-small",
                            "--image-size", "224", "--batch-size", "256"]),
    "goal": (96, [*SEED, "--batch-size", "525", "--precision", "bf16"]),
}
HEADER = """| row | CUDA graphs | images/s | ms a step | waiting for views | GPU memory | whole run | same bits |
|---|---|--:|--:|--:|--:|--:|---|
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twinview", default="twinview")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--images", type=int, default=21_000, help="images of a set but that of goal")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    arguments.more = words[end + 1:]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    text = HEADER
    for name in arguments.rows.split(","):
        text += row(arguments, name)
        (arguments.folder / "gpu.md").write_text(text)
    print(text, end="")


def synthetic(arguments, side, images):
    """The folder of a set of images of `side` pixels; made where there is none."""
    folder = arguments.folder / f"set-{side}-{images}"
    if not folder.exists():
        labeled = images // 21
        subprocess.run([arguments.twinview, "data", "synth", "--out", folder, "--unlabeled",
                        str(images - labeled), "--train", str(labeled), "--test", str(images // 13),
                        "--image-size", str(side), "-q"], check=True)
    return folder


def row(arguments, name):
    """Lines of the table: without graphs and, on a GPU, with them."""
    side, trained = ROWS[name]
    goal = name == "goal"
    images = 105_000 if goal else arguments.images
    data = synthetic(arguments, side, images)
    lines, encoders = "", []
    on_cpu = "cpu" in arguments.more
    for graphs in ["false"] if on_cpu else ["false", "true"]:
        run = arguments.folder / f"{name}-{graphs}"
        shutil.rmtree(run, ignore_errors=True)
        begun = time.monotonic()
        subprocess.run([arguments.twinview, "pretrain", *trained, "--data", data, "--run", run,
                        "--epochs", "30" if goal else "5", "--set", f"train.cuda_graph={graphs}",
                        "-q", *arguments.more], check=True)
        secs = time.monotonic() - begun
        encoders.append((run / "encoder.safetensors").read_bytes())
        lines += line(name, images, run, graphs, secs, encoders)
    return lines


def line(name, images, run, graphs, secs, encoders):
    metrics = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    epochs = [record for record in metrics if record["kind"] == "epoch"]
    fastest = max(epochs, key=lambda record: record["images_per_sec"])
    steps = json.loads((run / "config.json").read_text())["batch"]["steps_per_epoch"]
    step = images / steps / fastest["images_per_sec"]
    memory = json.loads((run / "summary.json").read_text())["peak_gpu_memory_bytes"]
    cells = [
        name, "yes" if graphs == "true" else "no", f"{fastest['images_per_sec']:,.0f}",
        f"{1000 * step:.2f}", f"{fastest['data_wait']:.2%}",
        f"{memory / 2**30:.2f} GiB" if memory else "", f"{secs:.1f} s",
        "" if len(encoders) == 1 else "yes" if encoders[0] == encoders[1] else "**no**",
    ]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main()
