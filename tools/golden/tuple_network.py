"""Writes a TorchScript file by hand whose network returns a tuple, which tracing can't make.

    python3 tools/golden/tuple_network.py crates/models/tests/fixtures/tuple.pt
"""

import sys
import zipfile

CODE = b"""class Network(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.Network,
    x: Tensor) -> Tuple[Tensor, Tensor]:
    return (x, x)
"""
# Pickle: an object of the class with `training` False, and no constants.
DATA = b"\x80\x02c__torch__\nNetwork\nq\x00)\x81}(X\x08\x00\x00\x00trainingq\x01\x89ubq\x02."
FILES = {
    "data.pkl": DATA,
    "code/__torch__.py": CODE,
    "constants.pkl": b"\x80\x02).",
    "version": b"3\n",
    "byteorder": b"little",
}

with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, content in FILES.items():
        archive.writestr(zipfile.ZipInfo(f"tuple/{name}"), content)
