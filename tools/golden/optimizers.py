"""Computes crates/optim/tests/fixtures/optimizers.json: what AdamW, SGD and LARS make of several parameters.

    python3 tools/golden/optimizers.py > crates/optim/tests/fixtures/optimizers.json

The formulas are the papers', written for single numbers in 64-bit floats, independently of the crate: Loshchilov and
Hutter 2017 (arXiv 1711.05101) with libtorch's product of step size and decay, momentum as in libtorch, You et al. 2017
(arXiv 1708.03888, algorithm 1). Needs nothing but Python.
"""

import json
import math

STEPS = 5
SHAPES = [
    ("weight", [2, 3]),
    ("bias", [2]),
    ("norm", [3]),
    ("zero", [2, 2]),  # all 0 at first
    ("cls_token", [1, 1, 3]),
]
EXCLUDED = {"bias", "norm", "cls_token"}


def spread(count, phase, size):
    """Numbers without a pattern, of two decimals."""
    return [round(size * math.sin(phase + 2.3 * i), 2) for i in range(count)]


def initial():
    """A list of numbers for each parameter."""
    parts = [spread(math.prod(shape), n, 1.5) for n, (_, shape) in enumerate(SHAPES)]
    parts[3] = [0.0] * 4
    return parts


def gradient(step):
    # Of a size of its own for each parameter.
    sizes = [0.5, 2.0, 1.0, 0.25, 4.0]
    return [spread(math.prod(shape), 5.0 * step + n + 0.5, sizes[n]) for n, (_, shape) in enumerate(SHAPES)]


def wave(start, end, done):
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


def at(schedule, step):
    """The value of a schedule of the configuration."""
    (kind, given), = schedule.items()
    done = step / STEPS
    if kind == "constant":
        return given
    if kind == "cosine":
        return wave(given["start"], given["end"], done)
    share = given["warmup_fraction"]
    if done < share:
        return given["start"] + (given["peak"] - given["start"]) * done / share
    return wave(given["peak"], given["end"], (done - share) / (1 - share))


def length(numbers):
    return math.sqrt(math.fsum(x * x for x in numbers))


def adamw(given, weights, slopes, state, step, decays):
    rate, (beta1, beta2) = at(given["lr"], step), given["betas"]
    moments = state.setdefault("moments", [[(0.0, 0.0)] * len(part) for part in weights])
    for part, slope, moment, decay in zip(weights, slopes, moments, decays):
        for i, g in enumerate(slope):
            part[i] *= 1 - rate * decay
            m, v = moment[i]
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            moment[i] = m, v
            m, v = m / (1 - beta1 ** (step + 1)), v / (1 - beta2 ** (step + 1))
            part[i] -= rate * m / (math.sqrt(v) + given["epsilon"])


def sgd(given, weights, slopes, state, step, decays):
    rate, mu = at(given["lr"], step), given["momentum"]
    buffers = state.setdefault("buffers", [[0.0] * len(part) for part in weights])
    for part, slope, buffer, decay in zip(weights, slopes, buffers, decays):
        for i, g in enumerate(slope):
            g += decay * part[i]
            buffer[i] = mu * buffer[i] + g
            part[i] -= rate * (g + mu * buffer[i] if given["nesterov"] else buffer[i])


def lars(given, weights, slopes, state, step, decays):
    rate, mu = at(given["lr"], step), given["momentum"]
    buffers = state.setdefault("buffers", [[0.0] * len(part) for part in weights])
    for n, (part, slope, buffer, decay) in enumerate(zip(weights, slopes, buffers, decays)):
        local = 1.0
        excluded = given["exclude_bias_and_norm"] and SHAPES[n][0] in EXCLUDED
        if not excluded and length(part) > 0:
            local = given["trust_coefficient"] * length(part) / (length(slope) + decay * length(part))
        for i, g in enumerate(slope):
            buffer[i] = mu * buffer[i] + rate * local * (g + decay * part[i])
            part[i] -= buffer[i]


RULES = {"adamw": adamw, "sgd": sgd, "lars": lars}
WARM = {"warmup_cosine": {"start": 0.0, "peak": 0.4, "end": 0.02, "warmup_fraction": 0.4}}
FALLING = {"cosine": {"start": 0.1, "end": 0.001}}
RISING = {"cosine": {"start": 0.04, "end": 0.4}}
CASES = [
    {"adamw": {"lr": FALLING, "betas": [0.9, 0.95], "epsilon": 1e-8, "weight_decay": RISING, "exclude_bias_and_norm": True}},
    {"sgd": {"lr": WARM, "momentum": 0.9, "nesterov": True, "weight_decay": {"constant": 0.05}, "exclude_bias_and_norm": True}},
    {"sgd": {"lr": FALLING, "momentum": 0.0, "nesterov": False, "weight_decay": RISING, "exclude_bias_and_norm": False}},
    {"lars": {"lr": WARM, "momentum": 0.9, "trust_coefficient": 0.02, "weight_decay": {"constant": 0.05}, "exclude_bias_and_norm": True}},
    {"lars": {"lr": WARM, "momentum": 0.9, "trust_coefficient": 0.02, "weight_decay": RISING, "exclude_bias_and_norm": False}},
    {"lars": {"lr": FALLING, "momentum": 0.5, "trust_coefficient": 0.001, "weight_decay": {"constant": 0.0}, "exclude_bias_and_norm": True}},
]


def flat(parts):
    return [x for part in parts for x in part]


def follow(case):
    """All weights after each step."""
    (name, given), = case.items()
    weights, state, after = initial(), {}, []
    for step in range(STEPS):
        decay = at(given["weight_decay"], step)
        spared = EXCLUDED if given["exclude_bias_and_norm"] else set()
        decays = [0.0 if parameter in spared else decay for parameter, _ in SHAPES]
        RULES[name](given, weights, gradient(step), state, step, decays)
        after.append(flat(weights))
    return after


def lines(key, items):
    return f' "{key}": [\n  ' + ",\n  ".join(json.dumps(item) for item in items) + "\n ]"


def main():
    parameters = [{"name": name, "shape": shape, "values": values} for (name, shape), values in zip(SHAPES, initial())]
    gradients = [flat(gradient(step)) for step in range(STEPS)]
    cases = [{"optimizer": case, "weights": follow(case)} for case in CASES]
    parts = [lines("parameters", parameters), lines("gradients", gradients), lines("cases", cases)]
    print(f'{{\n "steps": {STEPS},\n' + ",\n".join(parts) + "\n}")


if __name__ == "__main__":
    main()
