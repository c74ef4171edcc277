"""Measures training by two processes that reach each other by a slow network.

    python3 tools/torchrun/network.py FOLDER [--twinview PROGRAM] [--rate 1gbit] [--rounds 3]

For root: the processes are in two network namespaces, whose link `--rate` limits (tc tbf). Beside
it are one process with two threads, two processes by `--ranks 2`, and two in namespaces without a
limit; they take turns. Needs two cores, and nothing else running.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
from pathlib import Path

import namespaces

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent.parent / "configs/seed/simclr.json"
ENCODERS = {"small encoder": [], "ResNet-18": ["--encoder", "resnet18"]}
STEPS = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twinview", default="twinview")
    parser.add_argument("--rate", default="1gbit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=256)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.folder)
    program, batch = arguments.twinview, arguments.batch_size
    # Whole epochs, with the configuration's fraction of labeled images, 1 in 21.
    labeled = round(batch / 21)
    shutil.rmtree("data", ignore_errors=True)
    subprocess.run([program, "data", "synth", "--quiet", "--unlabeled",
                    str(STEPS * (batch - labeled)), "--train", str(STEPS * labeled), "--test",
                    "64", "--out", "data"], check=True)
    ways = {
        "one process, two threads": one,
        "--ranks 2": ranks,
        "two namespaces": lambda train: two(train, None),
        f"two namespaces, {arguments.rate}": lambda train: two(train, arguments.rate),
    }
    found = {}
    for _ in range(arguments.rounds):
        for encoder, settings in ENCODERS.items():
            train = [program, "pretrain", "simclr", "--quiet", "--config", str(CONFIG), "--device",
                     "cpu", "--precision", "f32", "--epochs", "2", "--batch-size", str(batch),
                     "--data", "data", "--run", "run", *settings]
            for way, start in ways.items():
                shutil.rmtree("run", ignore_errors=True)
                start(train)
                found.setdefault((encoder, way), []).append(rate())
    print("| encoder | processes | images a second, median | range |\n| :-- | :-- | --: | --: |")
    for (encoder, way), rates in found.items():
        middle = statistics.median(rates)
        print(f"| {encoder} | {way} | {middle:.1f} | {min(rates):.1f} to {max(rates):.1f} |")


def one(train):
    subprocess.run(train, check=True, env={**os.environ, "OMP_NUM_THREADS": "2"})


def ranks(train):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*train, "--ranks", "2"], check=True, env=environment)


def two(train, limit):
    with namespaces.pair(limit), contextlib.ExitStack() as stack:
        started = []
        for rank in range(2):
            environment = {
                **os.environ, "OMP_NUM_THREADS": "1", "RANK": str(rank), "WORLD_SIZE": "2",
                # Each is alone on its machine, and gets one of the two cores all the same.
                "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "MASTER_PORT": "29500",
                "MASTER_ADDR": namespaces.ADDRESSES[0],
            }
            process = subprocess.Popen([*namespaces.inside(rank), *train], env=environment)
            stack.callback(process.kill)
            started.append(process)
        codes = [process.wait() for process in started]
    if any(codes):
        raise SystemExit(f"expected exit codes of 0, found {codes}")


def rate():
    """Images a second of the last epoch."""
    lines = map(json.loads, Path("run/metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == "epoch"][-1]["images_per_sec"]


if __name__ == "__main__":
    main()
