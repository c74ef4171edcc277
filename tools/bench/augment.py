"""augment.py LIBRARY RECIPES DATA SECS: processor time of a view, on one thread, for each recipe of a file."""

import json
import sys

from common import images, processor_secs, record, software

BATCH = 64


def operations(recipe: dict):
    """(name, settings) of each operation, the crop first."""
    named = [next(iter(op.items())) for op in recipe["transforms"]]
    return sorted(named, key=lambda op: op[0] != "random_resized_crop")


def torchvision_ops(t, recipe: dict, top: float):
    """The operations in either of torchvision's two interfaces; `top` stands for white."""
    for name, s in operations(recipe):
        match name:
            case "random_resized_crop":
                size = (recipe["size"], recipe["size"])
                yield t.RandomResizedCrop(size, scale=s["scale"], ratio=s["ratio"], antialias=True)
            case "horizontal_flip":
                yield t.RandomHorizontalFlip(s["p"])
            case "color_jitter":
                jitter = t.ColorJitter(s["brightness"], s["contrast"], s["saturation"], s["hue"])
                yield t.RandomApply([jitter], s["p"])
            case "grayscale":
                yield t.RandomGrayscale(s["p"])
            case "gaussian_blur":
                yield t.RandomApply([t.GaussianBlur(s["kernel_size"], tuple(s["sigma"]))], s["p"])
            case "solarize":
                yield t.RandomSolarize(s["threshold"] * top, s["p"])


def torchvision_v1(pixels):
    import torchvision
    from PIL import Image
    from torchvision import transforms

    software(torchvision=torchvision.__version__)
    inputs = [Image.fromarray(image) for image in pixels]
    return inputs, lambda recipe: transforms.Compose(list(torchvision_ops(transforms, recipe, 255))), 1


def torchvision_v2(pixels):
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    inputs = list(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())
    return inputs, lambda recipe: v2.Compose(list(torchvision_ops(v2, recipe, 255))), 1


def kornia(pixels):
    """Whole batches of floats, as kornia is meant to be used."""
    import kornia
    import kornia.augmentation as k
    import torch

    torch.set_num_threads(1)
    software(kornia=kornia.__version__, torch=torch.__version__)
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous()

    def op(recipe, name, s):
        match name:
            case "random_resized_crop":
                size = (recipe["size"], recipe["size"])
                return k.RandomResizedCrop(size, scale=tuple(s["scale"]), ratio=tuple(s["ratio"]))
            case "horizontal_flip":
                return k.RandomHorizontalFlip(p=s["p"])
            case "color_jitter":
                return k.ColorJitter(s["brightness"], s["contrast"], s["saturation"], s["hue"], p=s["p"])
            case "grayscale":
                return k.RandomGrayscale(p=s["p"])
            case "gaussian_blur":
                return k.RandomGaussianBlur((s["kernel_size"],) * 2, tuple(s["sigma"]), p=s["p"])
            case "solarize":
                threshold = s["threshold"]
                return k.RandomSolarize((threshold, threshold), (0.0, 0.0), p=s["p"])

    def build(recipe):
        return torch.nn.Sequential(*[op(recipe, name, s) for name, s in operations(recipe)])

    return inputs.split(BATCH), build, BATCH


def albumentations(pixels):
    import albumentations as a
    import cv2

    cv2.setNumThreads(0)
    software(albumentations=a.__version__, opencv=cv2.__version__)

    def op(recipe, name, s):
        match name:
            case "random_resized_crop":
                size = (recipe["size"], recipe["size"])
                return a.RandomResizedCrop(size, scale=tuple(s["scale"]), ratio=tuple(s["ratio"]), p=1.0)
            case "horizontal_flip":
                return a.HorizontalFlip(p=s["p"])
            case "color_jitter":
                around = [(1 - s[name], 1 + s[name]) for name in ("brightness", "contrast", "saturation")]
                return a.ColorJitter(*around, hue=(-s["hue"], s["hue"]), p=s["p"])
            case "grayscale":
                return a.ToGray(p=s["p"])
            case "gaussian_blur":
                return a.GaussianBlur((s["kernel_size"],) * 2, sigma_limit=tuple(s["sigma"]), p=s["p"])
            case "solarize":
                return a.Solarize((s["threshold"],) * 2, p=s["p"])

    def build(recipe):
        compose = a.Compose([op(recipe, name, s) for name, s in operations(recipe)])
        return lambda image: compose(image=image)["image"]

    return list(pixels), build, 1


LIBRARIES = {
    "torchvision v1 (PIL)": torchvision_v1,
    "torchvision v2 (tensors)": torchvision_v2,
    "kornia (batches)": kornia,
    "albumentations": albumentations,
}


def main(library: str, recipes: str, data: str, secs: str) -> None:
    inputs, build, count = LIBRARIES[library](images(data, "unlabeled"))
    if count > 1:
        inputs = [batch for batch in inputs if len(batch) == count] or inputs[:1]
        count = len(inputs[0])
    with open(recipes) as file:
        subjects = json.load(file)
    for subject, views in subjects.items():
        transforms = [build(recipe) for recipe in views]

        def work(i, transforms=transforms):
            for transform in transforms:
                transform(inputs[i % len(inputs)])

        spent = processor_secs(work, float(secs), count * len(views))
        record("augmentation", subject, library, "ns a view", spent * 1e9)


if __name__ == "__main__":
    main(*sys.argv[1:])
