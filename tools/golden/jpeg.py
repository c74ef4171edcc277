"""jpeg.py OUT COUNT SEED [PHOTOS]: JPEG files of many kinds, and the pixels that libjpeg-turbo gives.

Writes COUNT files to OUT, and OUT/files.csv: a row a file with its state and, of whole ones, the CRC-32 of the upright
RGB pixels at 1, 1/2, 1/4 and 1/8 of the size, as Pillow decodes them. States are `whole`, `damaged` where djpeg says so,
and `untold` where bytes were changed and it doesn't: coefficients may then be out of range, for which libjpeg-turbo's
kernels in assembler and in C give other pixels.
Images are drawn, or parts of the photographs in the folder PHOTOS. Needs Pillow (requirements.txt) and the programs
cjpeg and djpeg of libjpeg-turbo (Debian: libjpeg-turbo-progs). The files in crates/dataset/tests/jpeg/kinds:

    environment/bin/python tools/golden/jpeg.py crates/dataset/tests/jpeg/kinds 96 1
"""

import csv
import io
import random
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

SAMPLINGS = [
    "1x1,1x1,1x1", "2x1,1x1,1x1", "2x2,1x1,1x1", "1x2,1x1,1x1", "4x1,1x1,1x1", "1x4,1x1,1x1", "4x2,1x1,1x1",
    "2x4,1x1,1x1", "2x2,2x1,2x1", "2x2,1x2,1x2", "1x1,2x2,2x2", "1x1,2x1,2x1", "1x2,2x1,2x1", "2x1,2x2,1x1",
]
# Spectral selection and successive approximation in other orders than cjpeg's own; components one by one and in pairs.
SCANS = [
    "0;\n1;\n2;\n",
    "0;\n1,2;\n",
    "0,1;\n2;\n",
    "0,1,2: 0-0, 0, 0;\n0: 1-63, 0, 0;\n1: 1-63, 0, 0;\n2: 1-63, 0, 0;\n",
    "0: 0-0, 0, 1;\n1,2: 0-0, 0, 0;\n0: 0-0, 1, 0;\n2: 1-63, 0, 0;\n1: 1-9, 0, 0;\n1: 10-63, 0, 0;\n"
    "0: 1-5, 0, 2;\n0: 6-63, 0, 2;\n0: 1-63, 2, 1;\n0: 1-63, 1, 0;\n",
]
DAMAGES = ["cut", "cut and ended", "cut and another", "zeroed", "random", "bit", "no restart", "extra", "trailing"]


def picture(random: random.Random, photos: list[Path]) -> Image.Image:
    width, height = random.randint(8, 72), random.randint(8, 72)
    if photos:
        photo = Image.open(random.choice(photos)).convert("RGB")
        left, top = random.randint(0, max(0, photo.width - width)), random.randint(0, max(0, photo.height - height))
        return photo.crop((left, top, left + width, top + height))
    across = Image.linear_gradient("L").resize((width, height))
    down = across.rotate(random.choice([90, 180, 270])).resize((width, height))
    image = Image.merge("RGB", [across, down, ImageOps.invert(across)])
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        color = tuple(random.randrange(256) for _ in range(3))
        box = [random.randint(-8, width), random.randint(-8, height)]
        draw.ellipse(box + [box[0] + random.randint(3, 30), box[1] + random.randint(3, 30)], fill=color)
    return image


def cjpeg(image: Image.Image, random: random.Random) -> bytes:
    flags = ["-quality", str(random.choice([30, 75, 90, 100]))]
    gray = random.random() < 0.1
    flags += ["-grayscale"] if gray else ["-sample", random.choice(SAMPLINGS)]
    if random.random() < 0.1 and not gray:
        flags += ["-rgb"]
    if random.random() < 0.15:
        flags += ["-arithmetic"]
    if random.random() < 0.4:
        flags += ["-restart", random.choice(["1B", "3B", "1", "2"])]
    ppm = io.BytesIO()
    image.save(ppm, "PPM")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as script:
        order = random.random()
        if order < 0.3:
            flags += ["-progressive"]
        elif order < 0.7 and not gray:
            script.write(random.choice(SCANS))
            script.flush()
            flags += ["-scans", script.name]
        return subprocess.run(["cjpeg", *flags], input=ppm.getvalue(), capture_output=True, check=True).stdout


def pillow(image: Image.Image, random: random.Random) -> bytes:
    kind = random.choice(["RGB", "L", "CMYK", "YCCK", "CMYK without Adobe", "orientation", "RGB stored"])
    options = {"quality": random.choice([50, 80, 95]), "progressive": random.random() < 0.3}
    options["subsampling"] = random.choice(["4:4:4", "4:2:2", "4:2:0"])
    if kind == "orientation":
        exif = Image.Exif()
        exif[0x0112] = random.randint(1, 8)
        options["exif"] = exif
    if kind == "RGB stored":
        options["keep_rgb"] = True
    mode = "CMYK" if "CMYK" in kind or kind == "YCCK" else "L" if kind == "L" else "RGB"
    if mode != "RGB" or kind == "RGB stored":
        options.pop("subsampling")
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    adobe = data.find(b"\xff\xee\x00\x0eAdobe")
    if kind == "YCCK":  # the same numbers, taken for luma and chroma
        data = data[: adobe + 15] + b"\x02" + data[adobe + 16 :]
    elif kind == "CMYK without Adobe":
        data = data[:adobe] + data[adobe + 16 :]
    return data


def damage(data: bytes, kind: str, random: random.Random) -> bytes:
    scan = data.index(b"\xff\xda") + 2
    scan += struct.unpack(">H", data[scan : scan + 2])[0]
    end = len(data) - 2
    at = random.randint(scan, max(scan, end - 1))
    length = random.randint(1, max(1, (end - at) // 2))
    match kind:
        case "cut":
            return data[:at]
        case "cut and ended":
            return data[:at] + b"\xff\xd9"
        case "cut and another":
            return data[:at] + data
        case "zeroed":
            return data[:at] + bytes(length) + data[at + length :]
        case "random":
            return data[:at] + random.randbytes(length) + data[at + length :]
        case "bit":
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case "no restart":
            for marker in range(0xD0, 0xD8):
                data = data.replace(bytes([0xFF, marker]), b"", 1)
            return data
        case "extra":
            return data[:end] + random.randbytes(length).replace(b"\xff", b"") + data[end:]
        case _:
            return data + random.randbytes(length)


def is_damaged(data: bytes) -> bool:
    # By default only the first warning is printed.
    run = subprocess.run(["djpeg", *["-verbose"] * 3, "-outfile", "/dev/null"], input=data, capture_output=True)
    return run.returncode == 1 or b"Corrupt" in run.stderr or b"Premature" in run.stderr


def checksum(data: bytes, denominator: int) -> int:
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    if denominator > 1:
        image.draft(image.mode, [max(1, side // denominator) for side in image.size])
    return zlib.crc32(ImageOps.exif_transpose(image.convert("RGB")).tobytes())


def main(out: str, count: int, seed: int, photos: str | None = None) -> None:
    numbers = random.Random(seed)
    photographs = sorted(Path(photos).rglob("*.jpg")) if photos else []
    Path(out).mkdir(parents=True, exist_ok=True)
    rows = []
    while len(rows) < count:
        encode = pillow if numbers.random() < 0.25 else cjpeg
        data = encode(picture(numbers, photographs), numbers)
        kind = numbers.choice(DAMAGES) if numbers.random() < 0.35 else None
        if kind:
            data = damage(data, kind, numbers)
        name = f"{len(rows):05}.jpg"
        state = "damaged" if is_damaged(data) else "whole" if kind in (None, "trailing") else "untold"
        sums = [checksum(data, denominator) if state == "whole" else "" for denominator in (1, 2, 4, 8)]
        (Path(out) / name).write_bytes(data)
        rows.append([name, state, *sums])
    with open(Path(out) / "files.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["file", "state", "full", "half", "quarter", "eighth"], *rows])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
