"""The whole job on synthetic vehicles, with what a colour histogram and an untrained network reach beside it."""

from pathlib import Path
from typing import Any

import torch

from msinet.data.readers.detect import load_splits
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate
from msinet.engine.recipes import load_recipe
from msinet.engine.run import run
from msinet.engine.runtime import Progress
from msinet.engine.settings import SearchSettings, TrainSettings
from msinet.evaluation.colour_histogram import BINS, colour_histograms
from msinet.evaluation.metrics import RetrievalResult
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.model.architecture import Architecture
from msinet.model.msinet import MSINet
from msinet.report.page import write_report
from msinet.world.dataset import make_world
from msinet.world.settings import WorldSettings

WORLD = {"identities": 240, "cameras": 8, "size": 96, "city": "day", "difficulty": 0.3}


def demo(out: Path, seed: int, progress: Progress) -> RetrievalResult:
    """Make vehicles, search, train, score and report; stopped and called again, it goes on.

    The result's `info["baselines"]` holds rank-1 and mAP of the best colour histogram and of the untrained network, on the
    same images under the same protocol.
    """
    vehicles = out / "vehicles"
    make_world(vehicles, WorldSettings(**WORLD, seed=seed), progress)
    splits = load_splits(vehicles, verify=False)
    recipe = load_recipe("demo")
    settings = TrainSettings(**recipe["train"], seed=seed)
    options = {"format": None, "split_seed": 0, "verify": False}
    command = {"data": str(vehicles.resolve()), "options": options, "protocol": None}
    result = run(splits, SearchSettings(**recipe["search"], seed=seed), settings, out, None, progress, command)
    architecture = Architecture.from_dict(result.info["model"]["architecture"])
    result.info["baselines"] = baselines(splits, architecture, settings)
    result.save(out / "result.json")
    write_report(out, splits.gallery)
    return result


def baselines(splits: ReidSplits, architecture: Architecture, settings: TrainSettings) -> dict[str, dict[str, Any]]:
    """Return rank-1 and mAP of what needs no training: the best of some colour histograms, and random weights."""
    histograms = [
        evaluate_embeddings(colour_histograms(splits.query, bins), colour_histograms(splits.gallery, bins))
        for bins in BINS.values()
    ]
    torch.manual_seed(settings.seed)
    untrained = MSINet(architecture, 2, settings.channels, settings.image_size).eval()
    scored = {
        "best colour histogram (HSV, three strips)": max(histograms, key=lambda result: result.mAP),
        "the network, untrained": evaluate(untrained, splits, settings=settings),
    }
    return {name: {"rank-1": result.rank(1), "mAP": result.mAP} for name, result in scored.items()}
