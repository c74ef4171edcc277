"""photos.py FOLDER SIDE: JPEG files with libjpeg-turbo, on one thread, images a processor second.

OpenCV only decodes; Pillow also does what packing does: decoded at a fraction of the size where that is enough, shorter
side to SIDE, center cropped, planes to a file.
"""

import sys
import tempfile
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import PIL
from common import record, software
from PIL import Image, features

cv2.setNumThreads(0)


def decode(path: Path, side: int, out) -> None:
    cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)


def pack(path: Path, side: int, out) -> None:
    image = Image.open(path)
    image.draft("RGB", (2 * side, 2 * side))
    image = image.convert("RGB")
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    out.write(np.asarray(image).transpose(2, 0, 1).tobytes())


def main(folder: str, side: str) -> None:
    kinds = {".jpg", ".jpeg"}
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in kinds)
    software(pillow=PIL.__version__, opencv=cv2.__version__, libjpeg_turbo=features.version("libjpeg_turbo"))
    for contender, work in (("OpenCV, decoding only", decode), ("Pillow, the same work", pack)):
        with tempfile.TemporaryFile() as out:
            work(paths[0], int(side), out)  # what is set up at the first call doesn't count
            begun = process_time()
            for path in paths:
                work(path, int(side), out)
            spent = process_time() - begun
        record("photos", "packing", contender, "images a processor second", len(paths) / spent)


main(*sys.argv[1:])
