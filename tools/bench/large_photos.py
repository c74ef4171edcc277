"""large_photos.py FROM OUT COUNT LABELS: a library of camera photographs, made by enlarging small ones.

COUNT images of the class folders in FROM become JPEG files of 4000 x 3000 pixels in OUT/photos/YEAR/MONTH; the first
LABELS of them have rows in OUT/labels.csv. Images are taken in turn from the classes, again from the start where there
are too few.
"""

import csv
import sys
from multiprocessing import Pool
from pathlib import Path

from PIL import Image

SIZE = (4000, 3000)
QUALITY = 90


def enlarge(job: tuple[Path, Path]) -> None:
    source, target = job
    image = Image.open(source).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    image.save(target, quality=QUALITY)


def main(source: str, out: str, count: int, labels: int) -> None:
    classes = [folder for folder in sorted(Path(source).iterdir()) if folder.is_dir()]
    images = [sorted(path for path in folder.iterdir() if path.is_file()) for folder in classes]
    jobs, rows = [], []
    for number in range(count):
        of = number % len(classes)
        image = images[of][number // len(classes) % len(images[of])]
        name = Path(f"{2020 + number % 5}/{1 + number % 12:02}/IMG_{number:05}.jpg")
        target = Path(out) / "photos" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        jobs.append((image, target))
        rows.append((name.as_posix(), classes[of].name))
    with open(Path(out) / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows[:labels]])
    with Pool() as pool:
        for _ in pool.imap_unordered(enlarge, jobs, chunksize=8):
            pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
