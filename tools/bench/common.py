"""What the contenders of `cargo xtask bench --peers` share: the images, the clock, the lines that they print."""

import json
from pathlib import Path
from time import process_time

import numpy as np


def images(folder: str, *splits: str) -> np.ndarray:
    """Images of STL-10 binaries as [n, height, width, 3] bytes; the file has planes of columns."""
    shape = json.loads((Path(folder) / "shape.json").read_text())
    height, width = shape["height"], shape["width"]
    planes = [np.fromfile(Path(folder) / f"{split}_X.bin", np.uint8) for split in splits]
    planes = np.concatenate(planes).reshape(-1, 3, width, height)
    return np.ascontiguousarray(planes.transpose(0, 3, 2, 1))


def processor_secs(work, secs: float, count: int) -> float:
    """Processor seconds of one item: calls work(i), which does `count` of them, for `secs` seconds."""
    work(0)  # what is set up at the first call doesn't count
    begun, calls = process_time(), 0
    while process_time() - begun < secs:
        work(calls)
        calls += 1
    return (process_time() - begun) / (calls * count)


def record(part: str, subject: str, contender: str, metric: str, value: float) -> None:
    line = {"part": part, "subject": subject, "contender": contender, "metric": metric}
    print(json.dumps(line | {"value": value}), flush=True)


def software(**versions: str) -> None:
    print(json.dumps({"software": {name: str(version) for name, version in versions.items()}}), flush=True)
