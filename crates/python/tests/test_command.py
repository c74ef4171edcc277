"""The package that starts the command finds the libtorch beside it, or says what is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "cli/python/twinview_cli"


@pytest.fixture
def packages(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "twinview_cli", ignore=shutil.ignore_patterns("__*__"))
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(PACKAGE / name, tmp_path / "twinview_cli" / name)
    program = tmp_path / "twinview_cli/twinview"
    program.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    program.chmod(0o755)
    return tmp_path


def install_torch(folder, version):
    (folder / "torch").mkdir(parents=True)
    (folder / "torch/__init__.py").write_text("raise SystemExit('imported')")
    info = folder / f"torch-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")


def start(*folders):
    path = os.pathsep.join(map(str, folders))
    # Without the packages of this environment, which may have a torch.
    command = [sys.executable, "-S", "-m", "twinview_cli", "pretrain", "simclr"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    return done.returncode, done.stdout + done.stderr


def test_the_program_takes_over_arguments_and_exit_code(packages):
    install_torch(packages, "2.11.3+cpu")
    assert start(packages) == (7, "pretrain simclr\n")


def test_other_versions_are_refused_in_one_line(packages):
    install = "install it by `pip install 'torch==2.11.*'`\n"
    none = f"error: torch: expected version 2.11, found none; {install}"
    assert start(packages) == (1, none)
    install_torch(packages, "2.1.1")
    other = f"error: torch: expected version 2.11, found 2.1.1; {install}"
    assert start(packages) == (1, other)


def test_a_torch_elsewhere_is_refused(packages, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    install_torch(elsewhere, "2.11.0")
    code, text = start(packages, elsewhere)
    assert code == 1 and text.startswith(f"error: torch: expected it in {packages}, beside"), text


def test_a_program_that_is_not_there_is_named(packages):
    install_torch(packages, "2.11.0")
    program = packages / "twinview_cli/twinview"
    program.unlink()
    missing = f"error: {program}: cannot start: No such file or directory\n"
    assert start(packages) == (1, missing)
