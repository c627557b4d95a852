"""Are search, training, embeddings and scores the same bytes as in an earlier commit? `same_results.py COMMIT`.

Both versions make the same synthetic vehicles and run the same commands, at a seed, on this machine. Compared are the log of
the search with all alphas, the tensors of both networks, the embeddings, and every score to the last digit.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).parent.parent
SMALL = ["--image-height=48", "--image-width=48", "--width=0.25", "--epochs=4", "--identities-per-batch=8", "--seed=3"]
OPTIMIZER = ["--learning-rate=2e-3", "--optimizer=adamw", "--warmup-epochs=1"]
SETTINGS = ["--recipe=veri776", *SMALL, "--images-per-identity=2", *OPTIMIZER]
COMMANDS = (
    ["data", "make", "world", "--identities=32", "--cameras=4", "--size=48", "--seed=5"],
    ["search", "world", "--out=found", *SETTINGS],
    ["train", "world", "--architecture=found/architecture.json", "--out=plain", *SETTINGS],
    ["train", "world", "--architecture=msmt17", "--out=rich", *SETTINGS, "--alignment=both", "--ema-decay=0.5",
     "--validation-share=0.3", "--validate-every=2"],
    ["embed", "world", "--model=plain", "--out=vectors.npz"],
    ["evaluate", "world", "--model=plain", "--json=market.json", "--camera-pairs"],
    ["evaluate", "world", "--model=rich", "--json=rich.json", "--protocol=veri776-index", "--protocol=image-to-track",
     "--protocol=vehicleid", "--flip", "--query-expansion=2", "--rerank"],
)  # fmt: skip


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Check a commit out into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "checkout"
        subprocess.run(["git", "worktree", "add", "--detach", str(place), commit], cwd=ROOT, check=True, capture_output=True)
        try:
            yield place
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)


def run(source: Path, out: Path) -> None:
    """Run all commands with the package in a checkout."""
    out.mkdir()
    environment = os.environ | {"PYTHONPATH": str(source / "src"), "XDG_CACHE_HOME": str(out / "cache")}
    for command in COMMANDS:
        print(f"{source.name}: msinet {' '.join(command)}", flush=True)
        subprocess.run([sys.executable, "-m", "msinet", *command], cwd=out, env=environment, check=True, capture_output=True)


def scores_in(file: Path) -> list[dict]:
    """Return the scores of one result or several, with those of each query."""
    values = json.loads(file.read_text())
    names = ("protocol", "mAP", "mAP_trapezoid", "mINP", "cmc", "queries", "gallery", "deviations")
    return [
        {**{name: result[name] for name in names}, "average_precision": result["per_query"]["average_precision"]}
        for result in values.get("results", [values])
    ]


def same(before: Path, after: Path) -> dict[str, bool]:
    """Return for each thing that is compared whether it is the same."""
    found = {"world": all(
        (before / "world" / file.relative_to(after / "world")).read_bytes() == file.read_bytes()
        for file in (after / "world").rglob("*.jpg")
    )}  # fmt: skip
    for log in ("found/search.jsonl", "plain/train.jsonl", "rich/train.jsonl"):
        found[log] = (before / log).read_bytes() == (after / log).read_bytes()
    for weights in (
        "found/search.checkpoint",
        "plain/model",
        "plain/train.checkpoint",
        "rich/model",
        "rich/train.checkpoint",
    ):
        one, other = (load_file(folder / f"{weights}.safetensors") for folder in (before, after))
        equal = one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
        found[f"{weights}.safetensors, {len(one)} tensors"] = equal
    one, other = (np.load(folder / "vectors.npz")["vectors"] for folder in (before, after))
    found[f"vectors.npz, {one.shape}"] = np.array_equal(one, other)
    for file in ("market.json", "rich.json"):
        found[file] = scores_in(before / file) == scores_in(after / file)
    return found


def main() -> None:
    """Run both versions and print what is the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the version to compare with")
    with checkout(parser.parse_args().commit) as source, tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        run(source, before)
        run(ROOT, after)
        found = same(before, after)
    for what, equal in found.items():
        print(f"{'same' if equal else 'DIFFERENT'}  {what}")
    sys.exit(not all(found.values()))


if __name__ == "__main__":
    main()
