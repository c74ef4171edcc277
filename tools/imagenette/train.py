"""Trains every method on Imagenette and writes a table, beside the accuracies that others published.

    python3 tools/imagenette/train.py DATA FOLDER [--twinview PROGRAM] [--epochs 200] [-- MORE ...]

compares all methods with one random seed in FOLDER/methods, and those of SEEDS with three in
FOLDER/seeds, by the preset for GPUs: ResNet-18 at 96 pixels. What stands after `--` is given to
`twinview compare` too. The same command again goes on where it was stopped. The table is printed,
and written to FOLDER/table.md.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

SEEDS = ["simclr", "dino", "swav"]
# Lightly's Imagenette benchmark of 4 May 2023: ResNet-18 at 128 pixels, batches of 256, 200 epochs,
# accuracy of 200 nearest neighbors, in percent.
PUBLISHED = {
    "simclr": 83.5, "dcl": 80.9, "nnclr": 80.9, "moco": 78.6, "barlow_twins": 65.1, "vicreg": 76.3,
    "byol": 70.5, "simsiam": 75.2, "dino": 87.3, "swav": 86.1,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twinview", default="twinview")
    parser.add_argument("--preset", default="gpu")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--methods", default="all")
    parser.add_argument("--seeds", type=int, default=3)
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    arguments.more = words[end + 1:]
    folder = arguments.folder
    chosen = arguments.methods.split(",")
    repeated = [name for name in SEEDS if name in chosen or chosen == ["all"]]
    compare(arguments, folder / "methods", arguments.methods, 1)
    if repeated and arguments.seeds > 1:
        compare(arguments, folder / "seeds", ",".join(repeated), arguments.seeds)
    text = table(folder, arguments.epochs)
    (folder / "table.md").write_text(text)
    print(text, end="")


def compare(arguments, out, methods, seeds):
    """Trains and evaluates, or goes on."""
    subprocess.run([arguments.twinview, "compare", "--methods", methods, "--preset",
                    arguments.preset, "--data", arguments.data, "--epochs", str(arguments.epochs),
                    "--seeds", str(seeds), "--out", str(out), *arguments.more], check=True)


def table(folder, epochs):
    """Markdown: a row for each method, that of several seeds where there are such."""
    rows = {}
    for out in ["methods", "seeds"]:
        file = folder / out / "leaderboard.json"
        if file.exists():
            rows.update((row["method"], row) for row in json.loads(file.read_text())["rows"])
    lines = [
        f"| method, {epochs} epochs | seeds | linear | kNN | untrained kNN | published kNN |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in sorted(rows.values(), key=lambda row: -mean(row["knn"])):
        published = PUBLISHED.get(row["method"])
        lines.append(
            f"| {row['method']} | {len(row['seeds'])} | {share(row['linear'])} |"
            f" {share(row['knn'])} | {share(row['knn_initial'])} |"
            f" {'' if published is None else f'{published:.1f} %'} |")
    return "\n".join(lines) + "\n"


def mean(spread):
    return spread["mean"] if spread else 0.0


def share(spread):
    """A mean as a percentage, with the standard deviation over seeds where there are several."""
    if not spread:
        return ""
    deviation = f" ± {100 * spread['std']:.1f}" if spread["std"] is not None else ""
    return f"{100 * spread['mean']:.1f}{deviation} %"


if __name__ == "__main__":
    main()
