"""Train the searched, the published and a random architecture alike, and print one table: mean and range over seeds.

    python examples/compare_architectures.py DATA --recipe small-data --seeds 0 1 2 --out runs/compare

Each seed makes a search of its own. Stopped and started again, it goes on; what is done is not done twice.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msinet
from msinet.engine.recipes import load_recipe


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="small-data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--architectures", nargs="+", default=["searched", "msmt17", "veri776", "random:0"])
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()

    splits = msinet.load_splits(options.data)
    results: dict[str, list[msinet.RetrievalResult]] = {name: [] for name in options.architectures}
    for seed in options.seeds:
        for name in options.architectures:
            out = options.out / f"{name.replace(':', '-')}-{seed}"
            results[name].append(result_of(splits, name, options.recipe, seed, out, options.workers))
            print(table(results), flush=True)


def result_of(
    splits: msinet.ReidSplits, name: str, recipe: str, seed: int, out: Path, workers: int
) -> msinet.RetrievalResult:
    """Return the scores of one architecture trained with one seed; search and training go on from what stands in `out`."""
    settings = load_recipe(recipe)
    machine = {"seed": seed, "workers": workers}
    if name == "searched":
        architecture = msinet.search(splits, msinet.SearchSettings(**settings["search"], **machine), out)
    else:
        architecture = msinet.Architecture.find(name)
    model = msinet.train(splits, architecture, msinet.TrainSettings(**settings["train"], **machine), out)
    result = msinet.evaluate(model, splits, camera_pairs=True)
    result.save(out / "result.json")
    return result


def table(results: dict[str, list[msinet.RetrievalResult]]) -> str:
    """Return rank-1/mAP of each camera pair and of all, as a table in Markdown: mean and range over the seeds."""
    pairs = next(result.info["camera_pairs"] for runs in results.values() for result in runs)
    columns = [f"{pair['query_camera']} to {pair['gallery_camera']}" for pair in pairs] + ["all"]
    lines = ["| architecture | seeds | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, runs in results.items():
        if runs:
            scores = [[(pair["rank_1"], pair["mAP"]) for pair in run.info["camera_pairs"]] for run in runs]
            rows = [[*row, (run.rank(1), run.mAP)] for row, run in zip(scores, runs, strict=True)]
            cells = [" / ".join(spread(values) for values in zip(*cell, strict=True)) for cell in zip(*rows, strict=True)]
            lines.append(f"| {name} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Return the mean in %, and the range where there is more than one."""
    percent = [100 * value for value in values]
    mean = f"{sum(percent) / len(percent):.1f}"
    return mean if len(percent) == 1 else f"{mean} ({min(percent):.1f}-{max(percent):.1f})"


if __name__ == "__main__":
    main()
