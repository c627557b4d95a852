"""What does spatial alignment give in another domain? Synthetic day to night and back, and to real vehicles.

    python examples/other_domains.py --out runs/domains --seeds 0 1 2 --real path/to/real/vehicles

For each seed the same vehicles drive through a day and a night. A network is trained in one of them, with and without
alignment, by the recipe with colour jitter of 0.4 in place of erasing, and scored in both and on `--real`, none of whose
identities it has seen. Stopped and started again, it goes on. `--part 0/2` and `--part 1/2` share the work.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import msinet
from msinet.engine.recipes import load_recipe
from msinet.engine.runtime import Silence
from msinet.whole_files import write_whole
from msinet.world.dataset import make_world
from msinet.world.settings import WorldSettings

CITIES = ("day", "night")
ALIGNMENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "positive": {"alignment": "positive"},
    "negative": {"alignment": "negative"},
    "both": {"alignment": "both"},
    "light": {"alignment": "both", "alignment_weight": 0.2},
    "unit": {"alignment": "both", "alignment_unit_features": True},
}
"""What each way of alignment changes in the settings of the training; the weight is 2.0 where nothing is said."""
ASKED = ("recipe", "width", "identities", "difficulty", "architecture", "real")
"""Options that the scores hang on."""


def main() -> None:
    """Do this part's trainings, then print the table of all that is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/domains"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--alignments", nargs="+", default=[*ALIGNMENTS], choices=[*ALIGNMENTS], metavar="NAME")
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--identities", type=int, default=240)
    parser.add_argument("--difficulty", type=float, default=0.3)
    parser.add_argument("--architecture", default="veri776")
    parser.add_argument("--real", type=Path, help="vehicles on which the networks are scored as well")
    parser.add_argument("--part", default="0/1", help="which share of the seeds, from 0, of how many")
    options = parser.parse_args()
    which, parts = (int(number) for number in options.part.split("/"))
    if not 0 <= which < parts:
        raise SystemExit(f"--part {options.part}: write which of how many, from 0/{parts} to {parts - 1}/{parts}")
    for seed in options.seeds[which::parts]:  # A seed's worlds are made by one process.
        for city in CITIES:
            for alignment in options.alignments:
                print(f"train by {city}, alignment {alignment}, seed {seed}", flush=True)
                train_and_score(options, seed, city, alignment)
    print(table(options))


def worlds(options: argparse.Namespace, seed: int) -> dict[str, msinet.ReidSplits]:
    """Return the same vehicles by day and by night, made if they are not there, and the real ones."""
    found = {}
    for city in CITIES:
        settings = WorldSettings(
            identities=options.identities, cameras=8, size=96, city=city, difficulty=options.difficulty, seed=seed
        )
        folder = options.out / f"{city}-{seed}"
        make_world(folder, settings, Silence(), 1)
        found[city] = msinet.load_splits(folder, verify=False)
    if options.real:
        found["real"] = msinet.load_splits(options.real)
    return found


def train_and_score(options: argparse.Namespace, seed: int, city: str, alignment: str) -> None:
    """Train one network and write its scores in every domain, if they are not there."""
    out = place(options, seed, city, alignment)
    asked = {name: str(getattr(options, name)) for name in ASKED}
    if (out / "scores.json").is_file():
        if json.loads((out / "scores.json").read_text())["asked"] != asked:
            raise SystemExit(f"{out} was made with other options: choose another --out")
        return
    domains = worlds(options, seed)
    changes: dict[str, Any] = {"width": options.width, "erasing": 0.0, "color_jitter": 0.4, **ALIGNMENTS[alignment]}
    settings = msinet.TrainSettings(**{**load_recipe(options.recipe)["train"], **changes, "seed": seed})
    model = msinet.train(domains[city], msinet.Architecture.find(options.architecture), settings, out)
    results = {name: msinet.evaluate(model, splits, settings=settings) for name, splits in domains.items()}
    scores = {name: {"rank-1": result.rank(1), "mAP": result.mAP} for name, result in results.items()}
    write_whole(out / "scores.json", json.dumps({"asked": asked, "scores": scores}, indent=2).encode())


def place(options: argparse.Namespace, seed: int, city: str, alignment: str) -> Path:
    """Return the folder of a training."""
    return options.out / f"{city}-{alignment}-{seed}"


def table(options: argparse.Namespace) -> str:
    """Return rank-1 / mAP in %, mean and range over seeds, of each source and alignment in each target, in Markdown."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for city, alignment in product(CITIES, options.alignments):
        files = [place(options, seed, city, alignment) / "scores.json" for seed in options.seeds]
        if runs := [json.loads(file.read_text())["scores"] for file in files if file.is_file()]:
            found[city, alignment] = runs
    targets = [*CITIES, *(["real"] if options.real else [])]
    lines = ["| trained by | alignment | seeds | " + " | ".join(f"to {name}" for name in targets) + " |"]
    lines.append("|---" * (len(targets) + 3) + "|")
    for (city, alignment), runs in found.items():
        cells = [" / ".join(spread([run[name][score] for run in runs]) for score in ("rank-1", "mAP")) for name in targets]
        lines.append(f"| {city} | {alignment} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Return the mean in %, and the range where there is more than one."""
    percent = [100 * value for value in values]
    return f"{mean(percent):.1f}" if len(percent) == 1 else f"{mean(percent):.1f} ({min(percent):.1f}-{max(percent):.1f})"


if __name__ == "__main__":
    main()
