r"""What is the search worth, and what does each part of it contribute? One table, and where the searched ones stand.

    python examples/search_worth.py DATA --recipe small-data --out runs/worth --random 8 --seeds 0 1 2 \
        --variant published --variant shared --variant quick alpha_learning_rate=0.1 mixture_temperature=0.1

Each variant searches once a seed, and what it finds is trained with the same seed. Random architectures, the published
ones, and each operation alone are trained with every seed. Then, in Markdown: their scores; how many of the random ones the
searched ones beat, and how often drawing among these would do as well; and whether the supernet's own score of an
architecture, on identities held out from the search, foretells that of its training.

Stopped and started again, it goes on; what is done is not done twice. `--part 0/2` and `--part 1/2` share the work.
"""

import argparse
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

import msinet
from msinet.engine.recipes import load_recipe
from msinet.engine.settings import settings_dict
from msinet.engine.supernet_score import supernet_scores
from msinet.evaluation.permutation import chance_of_better, chance_of_correlation, chance_of_difference, spearman
from msinet.model.architecture import INTERACTION_NAMES, NAMED
from msinet.whole_files import write_whole

VARIANTS: dict[str, dict[str, Any]] = {
    "published": {},
    "shared": {"contrast": "shared"},
    "classifiers": {"contrast": "classifiers"},
    "balanced": {"balanced": True},
    "late": {"alpha_start_epoch": 5},
    "cool": {"mixture_temperature": 0.1},
    "removal": {"choose_by": "removal"},
}
"""What a variant changes in the recipe's settings of the search, where the command line does not say."""


@dataclass(frozen=True)
class Experiment:
    """What was asked for, and where it goes."""

    splits: msinet.ReidSplits
    recipe: Mapping[str, Mapping[str, Any]]
    variants: Mapping[str, Mapping[str, Any]]
    seeds: Sequence[int]
    others: Sequence[str]
    """Architectures that nobody searches, as `Architecture.find` knows them."""
    validation_share: float
    """Of the training identities, held out from the searches alone: the trainings are scored on query and gallery."""
    machine: Mapping[str, Any]
    out: Path

    def searched(self, variant: str) -> list[str]:
        """The architectures that a variant finds, one a seed."""
        return [f"{variant}-{seed}" for seed in self.seeds]

    @property
    def randoms(self) -> list[str]:
        """The random ones among the others."""
        return [name for name in self.others if name.startswith("random:")]

    def search_folder(self, label: str) -> Path:
        """Where the search of this architecture is."""
        return self.out / "searches" / label

    def result_file(self, label: str, seed: int) -> Path:
        """Where the scores of an architecture that was trained with a seed are."""
        return self.out / "trainings" / re.sub(r"\W+", "-", f"{label}-{seed}") / "result.json"


def main() -> None:
    """Do this part's jobs, then print the table of all that is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="small-data")
    parser.add_argument("--variant", nargs="+", action="append", metavar=("NAME", "key=value"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--random", type=int, default=8, help="how many random architectures")
    parser.add_argument("--others", nargs="*", default=[*NAMED, *(f"all:{name}" for name in INTERACTION_NAMES)])
    parser.add_argument("--validation-share", type=float, default=0.2, help="of the identities; 0: the data has its own")
    parser.add_argument("--part", default="0/1", help="which share of the jobs, from 0, of how many")
    parser.add_argument("--out", type=Path, default=Path("runs/worth"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    experiment = Experiment(
        splits=msinet.load_splits(options.data),
        recipe=load_recipe(options.recipe),
        variants=dict(variant(*words) for words in options.variant or [["published"]]),
        seeds=options.seeds,
        others=[*options.others, *(f"random:{seed}" for seed in range(options.random))],
        validation_share=options.validation_share,
        machine={"device": options.device, "workers": options.workers},
        out=options.out,
    )
    for name, job in share(jobs_of(experiment), options.part):
        print(name, flush=True)
        job()
    print(report(experiment))


def variant(name: str, *changes: str) -> tuple[str, dict[str, Any]]:
    """Return a variant's name and the settings that it changes: those given as key=value, else those in `VARIANTS`."""
    if not changes and name not in VARIANTS:
        raise SystemExit(f"--variant {name}: give key=value as well, or take one of {', '.join(VARIANTS)}")
    if name in ("random", "all"):
        raise SystemExit(f"--variant {name}: take another name, this one is for architectures that nobody searches")
    given = {key: value_of(key, text) for key, _, text in (change.partition("=") for change in changes)}
    return name, given or VARIANTS[name]


def value_of(name: str, text: str) -> Any:
    """Return what a text says for a setting of the search: text where the setting is text, else what TOML reads in it."""
    before = settings_dict(msinet.SearchSettings()).get(name)
    if isinstance(before, str):
        return text
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = None
    if type(value) is not type(before) and not (isinstance(before, float) and type(value) is int):
        raise SystemExit(f"{name}={text}: the search has no such setting, or wants a value as {name}={json.dumps(before)}")
    return value


def jobs_of(experiment: Experiment) -> list[tuple[str, Callable[[], None]]]:
    """Return all jobs by name, the long ones first: a search with its training each, then the other trainings."""
    jobs: list[tuple[str, Callable[[], None]]] = [
        (f"search {name}, seed {seed}, and train it", partial(search_and_train, experiment, name, seed))
        for seed in experiment.seeds
        for name in experiment.variants
    ]
    for seed in experiment.seeds:
        for name in experiment.others:
            job = partial(train, experiment, name, msinet.Architecture.find(name), seed)
            jobs.append((f"train {name}, seed {seed}", job))
    return jobs


def share(jobs: Sequence[Any], part: str) -> Sequence[Any]:
    """Return the jobs that fall to a part such as 0/2, in turn."""
    which, parts = (int(number) for number in part.split("/"))
    if not 0 <= which < parts:
        raise SystemExit(f"--part {part}: write which of how many, from 0/{parts} to {parts - 1}/{parts}")
    return jobs[which::parts]


def search_and_train(experiment: Experiment, name: str, seed: int) -> None:
    """Search with one seed, score the other architectures by the supernet, and train what was found with that seed."""
    label, settings = f"{name}-{seed}", dict(experiment.recipe["search"])
    settings |= {"validation_share": experiment.validation_share}
    settings |= {**experiment.variants[name], **experiment.machine, "seed": seed}
    folder = experiment.search_folder(label)
    architecture = msinet.search(experiment.splits, msinet.SearchSettings(**settings), folder)
    held_out, file = settings["validation_share"] or experiment.splits.validation, folder / "supernet.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    if held_out and (others := [other for other in experiment.others if other not in known]):
        architectures = [msinet.Architecture.find(other) for other in others]
        scores = supernet_scores(folder, experiment.splits, architectures, **experiment.machine)
        write_whole(file, json.dumps(known | dict(zip(others, scores, strict=True))).encode())
    train(experiment, label, architecture, seed)


def train(experiment: Experiment, label: str, architecture: msinet.Architecture, seed: int) -> None:
    """Train an architecture with one seed and write its result, if it is not there."""
    settings = msinet.TrainSettings(**{**experiment.recipe["train"], **experiment.machine, "seed": seed})
    file, asked = experiment.result_file(label, seed), {"train": settings_dict(settings)}
    if file.is_file():
        done = msinet.RetrievalResult.load(file).info
        if (done["settings"], done["data"]["fingerprint"]) != (asked, experiment.splits.fingerprint()):
            raise SystemExit(f"{file} was made with other settings or data: choose another --out")
        return
    model = msinet.train(experiment.splits, architecture, settings, file.parent)
    cameras = {record.camera for record in (*experiment.splits.query, *experiment.splits.gallery)}
    pairs = len(cameras) == 2 and None not in cameras
    result = msinet.evaluate(model, experiment.splits, settings=settings, camera_pairs=pairs)
    result.info["settings"] = asked
    result.save(file)


def report(experiment: Experiment) -> str:
    """Return what is done as a table in Markdown, rank-1 / mAP in %, mean and range, and what follows from it."""
    rows = {name: experiment.searched(name) for name in experiment.variants}
    rows |= {f"random, all {len(experiment.randoms)}": experiment.randoms} | {name: [name] for name in experiment.others}
    results = {name: [r for one in labels for r in results_of(experiment, one).values()] for name, labels in rows.items()}
    results = {name: found for name, found in results.items() if found}
    if not results:
        return "nothing is done yet"
    pairs = next(iter(results.values()))[0].info.get("camera_pairs", [])
    columns = [*(f"{pair['query_camera']} to {pair['gallery_camera']}" for pair in pairs), "all"]
    lines = ["| architecture | trainings | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, found in results.items():
        scores = [[*((p["rank_1"], p["mAP"]) for p in r.info.get("camera_pairs", [])), (r.rank(1), r.mAP)] for r in found]
        cells = [" / ".join(spread(values) for values in zip(*cell, strict=True)) for cell in zip(*scores, strict=True)]
        lines.append(f"| {name} | {len(found)} | " + " | ".join(cells) + " |")
    sentences = [
        differing(experiment),
        *(say(experiment, name) for say in (standing, deciding, foretelling) for name in experiment.variants),
    ]
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences if sentence)])


def results_of(experiment: Experiment, label: str) -> dict[int, msinet.RetrievalResult]:
    """Return the results of an architecture's trainings so far, by their seeds."""
    files = {seed: experiment.result_file(label, seed) for seed in experiment.seeds}
    return {seed: msinet.RetrievalResult.load(file) for seed, file in files.items() if file.is_file()}


def maps_of(experiment: Experiment, label: str) -> dict[int, float]:
    """Return the mAP in % of an architecture's trainings so far, by their seeds."""
    return {seed: 100 * result.mAP for seed, result in results_of(experiment, label).items()}


def differing(experiment: Experiment) -> str:
    """Say whether the architectures that nobody searched differ at all; nothing where too few have every seed."""
    maps = [found for label in experiment.others if len(found := maps_of(experiment, label)) == len(experiment.seeds)]
    if len(maps) < 2 or len(experiment.seeds) < 2:
        return ""
    values = np.array([[found[seed] for seed in experiment.seeds] for found in maps])
    left = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    one_seed = np.sqrt((left**2).sum() / ((len(maps) - 1) * (len(experiment.seeds) - 1)))
    means = values.mean(1)
    return (
        f"means of the {len(maps)} architectures that nobody searched: {means.min():.1f} to {means.max():.1f}, "
        f"standard deviation {means.std(ddof=1):.1f}, of one seed {one_seed:.1f}; architectures that are all alike "
        f"differ as much with p = {chance_of_difference(values):.4f}"
    )


def standing(experiment: Experiment, name: str) -> str:
    """Say where a variant's architectures stand among the random ones of their seeds; nothing where either are missing."""
    randoms = [maps_of(experiment, label) for label in experiment.randoms]
    strata = []
    for seed, label in zip(experiment.seeds, experiment.searched(name), strict=True):
        own, others = maps_of(experiment, label), [maps[seed] for maps in randoms if seed in maps]
        if seed in own and others:
            strata.append((own[seed], others))
    if not strata:
        return ""
    own, others = zip(*strata, strict=True)
    beaten = mean(mean(value < one for value in values) for one, values in strata)
    return (
        f"{name}: mean mAP {mean(own):.1f} of {len(own)} searched architectures, {mean(map(mean, others)):.1f} of the "
        f"random ones with their seeds, of which they are above {100 * beaten:.0f} %; drawing one of these each time does "
        f"as well with p = {chance_of_better(own, others):.3f}"
    )


def deciding(experiment: Experiment, name: str) -> str:
    """Say how clearly a variant's searches decide, whether two seeds pull alike, and which operations they tell apart.

    Softmax does not mind what a place's alphas have in common: it is left out. A taste for an operation everywhere counts.
    """
    files = [experiment.search_folder(label) / "architecture.json" for label in experiment.searched(name)]
    told = [json.loads(file.read_text()) for file in files if file.is_file()]
    if not told:
        return ""
    margin = median(choice["margin"] for search in told for choice in search["choices"])
    alphas = [np.array(search["alphas"]["rows"]) for search in told]
    pulls = [(rows - rows.mean(1, keepdims=True)).ravel() for rows in alphas]
    agreement = ", ".join(f"{np.corrcoef(one, other)[0, 1]:.2f}" for one, other in combinations(pulls, 2))
    rows = np.concatenate(alphas)
    apart = abs(rows[:, 1:] - rows[:, :1]).mean(0)
    told_apart = ", ".join(f"{operation} {gap:.3f}" for operation, gap in zip(INTERACTION_NAMES[1:], apart, strict=True))
    return (
        f"{name}: median margin of the shares {margin:.3f}; correlation of two seeds' alphas {agreement or 'unknown'}; "
        f"mean distance of an alpha from that of {INTERACTION_NAMES[0]}: {told_apart}"
    )


def foretelling(experiment: Experiment, name: str) -> str:
    """Say how well a variant's supernets rank the architectures that were trained; nothing where there are too few."""
    files = [experiment.search_folder(label) / "supernet.json" for label in experiment.searched(name)]
    by_search = [json.loads(file.read_text()) for file in files if file.is_file()]
    known = [other for other in experiment.others if all(other in search for search in by_search)]
    maps = {other: maps_of(experiment, other) for other in known}
    trained = {other: mean(found.values()) for other, found in maps.items() if len(found) == len(experiment.seeds)}
    if not by_search or len(trained) < 3:
        return ""
    scores = [[search[other] for other in trained] for search in by_search]
    before, after = np.mean(scores, axis=0).tolist(), list(trained.values())
    return (
        f"{name}: Spearman correlation of the supernet's score (mean of {len(scores)}) with the mAP after training "
        f"{spearman(before, after):.2f}, n = {len(after)}, p = {chance_of_correlation(before, after):.3f}; "
        f"single searches {', '.join(f'{spearman(one, after):.2f}' for one in scores)}"
    )


def spread(values: Sequence[float]) -> str:
    """Return the mean in %, and the range where there is more than one."""
    percent = [100 * value for value in values]
    return f"{mean(percent):.1f}" if len(percent) == 1 else f"{mean(percent):.1f} ({min(percent):.1f}-{max(percent):.1f})"


if __name__ == "__main__":
    main()
