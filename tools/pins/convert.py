"""Converts a configuration of format 1 (before views were groups) to format 2."""

RENAMED = {
    "crop": "random_resized_crop",
    "jitter": "color_jitter",
    "flip": "horizontal_flip",
    "blur": "gaussian_blur",
}
SAMPLING = {"clipped": "clip", "redrawn": "retry"}


def rename(object, **names):
    return {names.get(key, key): value for key, value in object.items()}


def transform(op):
    ((name, settings),) = op.items()
    if name == "crop":
        settings = rename(settings, area="scale", aspect="ratio", draw="sampling")
        settings["sampling"] = SAMPLING[settings["sampling"]]
    if name == "blur":
        settings = rename(settings, kernel="kernel_size")
    return {RENAMED.get(name, name): settings}


def augment(old, image_size):
    groups = []
    for view in old["views"]:
        size = view["size"] / image_size
        transforms = [transform(op) for op in view["ops"]]
        if groups and (groups[-1]["size"], groups[-1]["transforms"]) == (size, transforms):
            groups[-1]["count"] += 1
        else:
            groups.append({"count": 1, "size": size, "transforms": transforms})
    return {"views": groups, "probe": {"transforms": [transform(op) for op in old["probe"]["ops"]]}}


def schedule(old):
    ((kind, values),) = old.items()
    if kind == "constant":
        return old
    kind = {"warm_up": "warmup", "warm_up_cosine": "warmup_cosine"}.get(kind, kind)
    return {kind: rename(values, **{"from": "start", "to": "end"}, share="warmup_fraction")}


def optimizer(old):
    ((name, settings),) = old.items()
    settings = rename(settings, learning_rate="lr", form="variant")
    for key in ("lr", "weight_decay"):
        if key in settings:
            settings[key] = schedule(settings[key])
    if settings.get("variant") == "usual":
        settings["variant"] = "pytorch"
    return {name: settings}


def method(old):
    ((name, settings),) = old.items()
    if name == "own":
        return {"custom": settings}
    settings = rename(
        settings,
        form="variant",
        queue="queue_size",
        momentum="teacher_momentum",
        redundancy_weight="lambda",
    )
    if name == "dino":
        student = settings["temperature"]
        ((kind, values),) = settings["sharpening"].items()
        part = lambda key, value: value if key == "share" else student * value
        absolute = (
            student * values
            if kind == "constant"
            else {key: part(key, value) for key, value in values.items()}
        )
        settings = {
            {"temperature": "student_temp", "sharpening": "teacher_temp"}.get(key, key): value
            for key, value in settings.items()
        }
        settings["student_temp"] = student
        settings["teacher_temp"] = schedule({kind: absolute})
    if "teacher_momentum" in settings:
        settings["teacher_momentum"] = schedule(settings["teacher_momentum"])
    if settings.get("predictor"):
        settings["predictor"] = rename(settings["predictor"], hidden="hidden_dims")
    return {name: settings}


def projection(old):
    ((name, settings),) = old.items()
    name = {"prototypes": "dino_head"}.get(name, name)
    names = {"hidden": "hidden_dims", "output": "output_dim", "bottleneck": "bottleneck_dim"}
    return {name: rename(settings, **names)}


def convert(old):
    new = dict(old)
    new["image_size"] = old["augment"]["views"][0]["size"]
    new["augment"] = augment(old["augment"], new["image_size"])
    if "vit" in old["encoder"]:
        vit = rename(old["encoder"]["vit"], patch="patch_size", image="img_size")
        new["encoder"] = {"vit": vit}
    new["projection"] = projection(old["projection"])
    new["method"] = method(old["method"])
    new["optimizer"] = optimizer(old["optimizer"])
    new["probe"] = {"optimizer": optimizer(old["probe"]["optimizer"])}
    new["train"] = rename(old["train"], clip_norm="grad_clip_norm", steps="max_steps")
    health = {"least_std": "min_std", "least_rank": "min_rank", "checks": "patience"}
    new["health"] = rename(old["health"], **health)
    new["checkpoint"] = rename(old["checkpoint"], keep="keep_last")
    best = new["checkpoint"]["best"]
    if best == "rank":
        new["checkpoint"]["best"] = "effective_rank"
    elif best:
        fraction = best["validation"]["share"]
        new["checkpoint"]["best"] = {"val_probe_acc": {"val_fraction": fraction}}
    return new
