"""Compares the linear protocol with scikit-learn's LogisticRegressionCV on the same features.

    cargo build --release -p eval --example linear_choice
    python3 -m venv environment
    environment/bin/pip install -r tools/sklearn/requirements.txt
    environment/bin/python tools/sklearn/compare.py target/release/examples/linear_choice

With `--features FILE`, the features of a real encoder as well: a file of
`twinview embed RUN --out features.safetensors`, with labels. With `--golden FOLDER`, writes the small
vectors of the golden test instead.

Each case draws labeled images several times. The table has, as means over the draws, both test
accuracies, their difference, and the standard deviation of scikit-learn's accuracy over its own
five folds. `rule` compares what other ways to choose C from the same validation scores would give.
"""

import argparse
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

CS = [10.0 ** (half / 2) for half in range(-8, 5)]
TEST = 2000


def synthetic(classes, rng, count, dim=128):
    """Rectified, correlated features of falling variance, as those of an encoder are."""
    weights = rng["weights"]
    labels = rng["draw"].integers(0, classes, count)
    latent = rng["draw"].standard_normal((count, dim)) * rng["scales"]
    latent += rng["centers"][labels] * rng["scales"]
    return np.maximum(latent @ weights + 0.1, 0).astype(np.float32), labels


def generator(classes, seed, dim=128):
    fixed = np.random.default_rng(1000 + classes)
    spread = {2: 0.25, 10: 0.35, 100: 0.9}[classes]
    return {
        "weights": fixed.standard_normal((dim, dim)) / np.sqrt(dim),
        "centers": fixed.standard_normal((classes, dim)) * spread,
        "scales": np.arange(1, dim + 1) ** -0.5 * 4,
        "draw": np.random.default_rng(seed),
    }


def shares_of(classes, unbalanced):
    """How frequent the classes are: equally, or geometrically less, down to a tenth."""
    return 0.1 ** (np.arange(classes) / (classes - 1)) if unbalanced else np.ones(classes)


def choose(labels, count, classes, unbalanced, rng):
    """Rows of a set with classes of these shares, at least one or two images of each."""
    shares = shares_of(classes, unbalanced)
    least = 2 if unbalanced else 1
    counts = np.maximum(np.round(shares / shares.sum() * count), least).astype(int)
    rows = []
    for label, wanted in enumerate(counts):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        rows.extend(of_class[:wanted])
    return np.array(rows)


def scikit_learn(train_x, train_y, test_x, test_y, seed):
    scaler = StandardScaler().fit(train_x.astype(np.float64))
    # It refuses more folds than the largest class has images.
    splits = min(5, int(np.bincount(train_y).max()))
    folds = StratifiedKFold(splits, shuffle=True, random_state=seed)
    model = LogisticRegressionCV(
        Cs=CS, cv=folds, max_iter=2000, tol=1e-5, scoring="accuracy", use_legacy_attributes=False,
        l1_ratios=(0.0,),
    )
    start = time.perf_counter()
    model.fit(scaler.transform(train_x.astype(np.float64)), train_y)
    seconds = time.perf_counter() - start
    c = float(model.C_)
    scores = np.asarray(model.scores_).reshape(-1, len(CS))
    index = int(np.argmin(np.abs(np.array(CS) - c)))
    accuracy = float(model.score(scaler.transform(test_x.astype(np.float64)), test_y))
    return {"accuracy": accuracy, "c": c, "std": float(scores[:, index].std(ddof=1)),
            "seconds": seconds}


RULES = {
    "accuracy, smallest": lambda v: (-v["accuracy"], v["c"]),
    "accuracy, cross-entropy": lambda v: (-v["accuracy"], v["cross_entropy"]),
    "cross-entropy": lambda v: (v["cross_entropy"],),
}


def by_rules(found):
    """Test accuracy of the C that each rule would choose."""
    test = {score["c"]: score["accuracy"] for score in found["test_by_c"]}
    values = found["report"]["validation"]
    best = {name: min(values, key=key)["c"] for name, key in RULES.items()} if values else {}
    # The middle of a tie.
    if values:
        top = max(value["accuracy"] for value in values)
        tied = [value["c"] for value in values if value["accuracy"] == top]
        best["accuracy, middle"] = tied[(len(tied) - 1) // 2]
    return {name: test[c] for name, c in best.items()}


def cases(real):
    for classes in (2, 10, 100):
        for count in (50, 100, 300, 1000):
            if count // classes >= 3:
                for unbalanced in (False, True):
                    yield "synthetic", classes, count, unbalanced
    if real is not None:
        for count in (50, 100, 300, 1000):
            for unbalanced in (False, True):
                yield "real", int(real[1].max()) + 1, count, unbalanced


def draw(case, seed, real):
    kind, classes, count, unbalanced = case
    rng = np.random.default_rng(seed)
    if kind == "real":
        x, y = real
        order = rng.permutation(len(y))
        pool, test = order[: len(y) // 2], order[len(y) // 2 :][:TEST]
    else:
        x, y = synthetic(classes, generator(classes, seed), 3 * TEST + 6000)
        size = 3 * TEST if unbalanced else TEST
        test, pool = np.arange(size), np.arange(3 * TEST, len(y))
    rows = pool[choose(y[pool], count, classes, unbalanced, rng)]
    if unbalanced:
        test = test[choose(y[test], len(test) // 3, classes, unbalanced, rng)]
    return x[rows], y[rows], x[test], y[test]


def run(program, arrays, folder):
    path = Path(folder) / "features.safetensors"
    names = ["train_x", "train_y", "test_x", "test_y"]
    arrays = [np.ascontiguousarray(a if a.dtype == np.float32 else a.astype(np.int64))
              for a in arrays]
    save_file(dict(zip(names, arrays)), path)
    return json.loads(subprocess.run([program, path], check=True, capture_output=True).stdout)


def cached(file, key, compute):
    """Scikit-learn takes most of the time: its results can be kept in a file."""
    if file is None:
        return compute()
    known = json.loads(Path(file).read_text()) if Path(file).exists() else {}
    key = json.dumps(key)
    if key not in known:
        known[key] = compute()
        Path(file).write_text(json.dumps(known))
    return known[key]


def table(arguments, real):
    print("| features | classes | labels | balance | Twinview | scikit-learn | difference "
          "| fold deviation | C | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    rules = {}
    outside = 0
    for case in cases(real):
        rows = []
        for seed in range(arguments.draws):
            arrays = draw(case, seed, real)
            with tempfile.TemporaryDirectory() as folder:
                ours = run(arguments.program, arrays, folder)
            theirs = cached(arguments.cache, [*case, seed], lambda: scikit_learn(*arrays, seed))
            rows.append((ours, theirs))
            for name, accuracy in by_rules(ours).items():
                rules.setdefault(name, {}).setdefault(case, []).append(accuracy)
        mean = lambda value: float(np.mean([value(*row) for row in rows]))
        ours = mean(lambda a, b: a["report"]["test"]["accuracy"])
        theirs, std = mean(lambda a, b: b["accuracy"]), mean(lambda a, b: b["std"])
        outside += abs(ours - theirs) > std
        cs = " ".join(f"{a['report']['c']:.3g}/{b['c']:.3g}" for a, b in rows)
        seconds = mean(lambda a, b: a["seconds"])
        kind, classes, count, unbalanced = case
        print(f"| {kind} | {classes} | {count} | {'unbalanced' if unbalanced else 'balanced'} "
              f"| {100 * ours:.1f} | {100 * theirs:.1f} | {100 * (ours - theirs):+.1f} "
              f"| {100 * std:.1f} | {cs} "
              f"| {seconds:.2f}/{mean(lambda a, b: b['seconds']):.2f} |", flush=True)
    print(f"\n{outside} cases differ by more than scikit-learn's deviation over its folds.\n")
    print("| rule | mean test accuracy (%) |\n|---|---|")
    for name, found in rules.items():
        print(f"| {name} | {100 * np.mean([np.mean(values) for values in found.values()]):.2f} |")


def golden(folder):
    """Vectors with scikit-learn's numbers: its solution for every C on fixed folds."""
    from sklearn.linear_model import LogisticRegression

    folder = Path(folder)
    tensors, entries = {}, []
    for classes, count, unbalanced in ((3, 60, False), (7, 90, True)):
        dim = 12
        rng = generator(10, 7, dim)
        rng["centers"] = rng["centers"][:classes]
        x, y = synthetic(classes, rng, 1000, dim)
        rows = choose(y[:700], count, classes, unbalanced, np.random.default_rng(0))
        train_x, train_y, test_x, test_y = x[rows], y[rows], x[700:], y[700:]
        scaler = StandardScaler().fit(train_x.astype(np.float64))
        folds = StratifiedKFold(2, shuffle=True, random_state=0)
        validation = []
        splits = [(fit, held) for fit, held in folds.split(train_x, train_y)]
        for c in CS:
            correct, entropy = 0, 0.0
            for fit, held in splits:
                part = StandardScaler().fit(train_x[fit].astype(np.float64))
                model = LogisticRegression(C=c, tol=1e-10, max_iter=100000)
                model.fit(part.transform(train_x[fit].astype(np.float64)), train_y[fit])
                scaled = part.transform(train_x[held].astype(np.float64))
                p = model.predict_proba(scaled)
                correct += int((model.predict(scaled) == train_y[held]).sum())
                entropy += log_loss(train_y[held], p, labels=model.classes_, normalize=False)
            validation.append({"c": c, "accuracy": correct / len(train_y),
                               "cross_entropy": entropy / len(train_y)})
        model = LogisticRegression(C=1.0, tol=1e-10, max_iter=100000)
        model.fit(scaler.transform(train_x.astype(np.float64)), train_y)
        scaled = scaler.transform(test_x.astype(np.float64))
        predicted, p = model.predict(scaled), model.predict_proba(scaled)
        top5 = np.argsort(-p, axis=1, kind="stable")[:, :5]
        name = f"{classes}_classes"
        fold = np.zeros(len(train_y), np.int64)
        for number, (_, held) in enumerate(splits):
            fold[held] = number
        tensors |= {f"{name}.train_x": train_x, f"{name}.train_y": train_y, f"{name}.fold": fold,
                    f"{name}.test_x": test_x, f"{name}.test_y": test_y}
        entries.append({
            "name": name, "classes": classes, "validation": validation,
            "test": {
                "correct": int((predicted == test_y).sum()),
                "balanced_accuracy": float(balanced_accuracy_score(test_y, predicted)),
                "macro_f1": float(f1_score(test_y, predicted, average="macro")),
                "top5": float((model.classes_[top5] == test_y[:, None]).any(1).mean()),
            },
        })
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    save_file(arrays, folder / "linear_choice.safetensors")
    text = json.dumps({"scikit_learn": __import__("sklearn").__version__, "cases": entries},
                      indent=1)
    (folder / "linear_choice.json").write_text(text + "\n")


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", help="the example linear_choice, built")
    parser.add_argument("--features", help="features of a real encoder, with labels")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--cache", metavar="FILE", help="keep scikit-learn's results here")
    parser.add_argument("--golden", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.golden:
        return golden(arguments.golden)
    real = None
    if arguments.features:
        tensors = load_file(arguments.features)
        kept = tensors["labels"] >= 0
        real = tensors["features"][kept].astype(np.float32), tensors["labels"][kept]
    table(arguments, real)


if __name__ == "__main__":
    main()
