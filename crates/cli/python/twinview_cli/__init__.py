"""Starts the `twinview` program with the libtorch of the installed `torch`."""

import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path

# The release that the program is built for.
TORCH = "2.11"


def problem() -> str | None:
    """What keeps the program from starting, in one line; None if nothing does."""
    install = f"install it by `pip install 'torch=={TORCH}.*'`"
    try:
        found = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return f"torch: expected version {TORCH}, found none; {install}"
    if found.split("+")[0].split(".")[:2] != TORCH.split("."):
        return f"torch: expected version {TORCH}, found {found}; {install}"
    # The run path of the program leads to its neighbor in the same folder of packages.
    spec = importlib.util.find_spec("torch")
    packages = Path(__file__).resolve().parent.parent
    if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != packages:
        where = "elsewhere" if spec is None else spec.origin
        return f"torch: expected it in {packages}, beside twinview-cli, found it in {where}"
    return None


def main() -> None:
    """Replaces this process by the program, or ends with code 1."""
    if message := problem():
        sys.exit(f"error: {message}")
    program = Path(__file__).with_name("twinview")
    try:
        os.execv(program, ["twinview", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"error: {program}: cannot start: {error.strerror}")
