"""Trains by torchrun, PyTorch's launcher, with a rank killed once, and compares with `--ranks 2`.

    python3 tools/torchrun/check.py FOLDER [--twinview PROGRAM] [--namespaces]

makes an environment with torchrun in FOLDER/environment (requirements.txt, gigabytes) unless it is
there, and runs in FOLDER. `--namespaces`, for root, also runs two agents in two network namespaces,
which have a loopback interface each and reach each other by a link, as two machines.
"""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import namespaces

HERE = Path(__file__).resolve().parent
# Saves often, so that a killed rank finds something to go on from.
SETTINGS = ["--preset", "cpu", "--image-size", "32", "--batch-size", "64", "--epochs", "100",
            "--max-steps", "120", "--device", "cpu", "--set", "checkpoint.every_steps=5"]
# As many threads in every rank: sums depend on it in their last bits.
THREADS = {"OMP_NUM_THREADS": "1"}
LONGEST = 600


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twinview", default="twinview")
    parser.add_argument("--namespaces", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    torchrun = environment(folder / "environment")
    os.chdir(folder)
    program = arguments.twinview
    for old in ["data", "expected", "standalone", "namespaces"]:
        shutil.rmtree(old, ignore_errors=True)
    call([program, "data", "synth", "--quiet", "--image-size", "32", "--unlabeled", "2000",
          "--train", "200", "--test", "100", "--out", "data"])
    train = [program, "pretrain", "simclr", "--data", "data", *SETTINGS]

    print("\n# --ranks 2")
    call([*train, "--run", "expected", "--ranks", "2"])
    expected = tensors("expected")

    print("\n# torchrun, one machine; rank 1 is killed once")
    # Without the two dashes torchrun takes `--run` for one of its own flags.
    launch = [str(torchrun), "--standalone", "--nproc-per-node", "2", "--max-restarts", "1",
              "--no-python", "--"]
    killed([[*launch, *train, "--run", "standalone", "--resume-if-there"]], "standalone")
    compare("standalone", expected)

    if arguments.namespaces:
        print("\n# torchrun, two network namespaces; rank 1 is killed once")
        with namespaces.pair():
            commands = []
            for index, address in enumerate(namespaces.ADDRESSES):
                commands.append([
                    *namespaces.inside(index), str(torchrun), "--nnodes", "2",
                    "--nproc-per-node", "1", "--max-restarts", "1", "--no-python",
                    "--rdzv-backend", "c10d", "--rdzv-endpoint",
                    f"{namespaces.ADDRESSES[0]}:29500", "--rdzv-id", "check",
                    # The machine's name has no such address, by which torchrun would know it.
                    "--rdzv-conf", f"is_host={int(index == 0)}", "--local-addr", address,
                    "--", *train, "--run", "namespaces", "--resume-if-there",
                ])
            killed(commands, "namespaces")
        compare("namespaces", expected)


def environment(folder):
    """The torchrun of an environment, which is made unless it is there."""
    torchrun = folder / "bin/torchrun"
    if not torchrun.exists():
        call([sys.executable, "-m", "venv", str(folder)])
        call([str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check",
              "--no-cache-dir", "--requirement", str(HERE / "requirements.txt")])
    return torchrun


def show(command):
    print("$ " + shlex.join(command), flush=True)


def call(command):
    show(command)
    subprocess.run(command, check=True, env={**os.environ, **THREADS})


def killed(commands, run):
    """Runs the agents, and kills rank 1 once there is a checkpoint."""
    with contextlib.ExitStack() as stack:
        agents = []
        for command in commands:
            show(command)
            agent = subprocess.Popen(command, env={**os.environ, **THREADS})
            stack.callback(agent.kill)
            agents.append(agent)
        begun = time.monotonic()
        while not any(Path(run, "checkpoints").glob("*.safetensors")):
            if time.monotonic() - begun > LONGEST or any(a.poll() is not None for a in agents):
                raise SystemExit(f"{run}: expected a checkpoint, found none")
            time.sleep(0.01)
        rank = [pid for agent in agents for pid in descendants(agent.pid)
                if variables(pid).get("RANK") == "1"]
        print(f"(kill -KILL of rank 1, process {rank[0]})", flush=True)
        os.kill(rank[0], signal.SIGKILL)
        codes = [agent.wait(LONGEST) for agent in agents]
    if any(codes):
        raise SystemExit(f"{run}: expected exit codes of 0, found {codes}")
    segments = json.loads(Path(run, "config.json").read_text())["segments"]
    if len(segments) != 2:
        raise SystemExit(f"{run}: expected 2 starts, found {len(segments)}")
    print(f"{run}: exit codes {codes}, {len(segments)} starts")


def descendants(pid):
    """The processes below `pid`, itself included."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        below = [int(child) for child in children.read_text().split()]
    except OSError:
        return []
    return [pid, *(found for child in below for found in descendants(child))]


def variables(pid):
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(one.split("=", 1) for one in text.split("\0") if "=" in one)


def tensors(run):
    """Header and bytes of the encoder's weights, without what the file says of its run."""
    content = Path(run, "encoder.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    return header, content[8 + length:]


def compare(run, expected):
    if tensors(run) != expected:
        raise SystemExit(f"{run}: expected the weights of --ranks 2, found others")
    header, content = expected
    print(f"{run}: the weights of --ranks 2, {len(header)} tensors of {len(content)} bytes, "
          "bit for bit")


if __name__ == "__main__":
    main()
