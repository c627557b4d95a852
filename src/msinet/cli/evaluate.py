"""The verb `evaluate`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.options import SEVERAL
from msinet.cli.reading import read
from msinet.cli.tables import show_camera_pairs, show_left_out, show_results
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.engine.settings import MachineSettings
from msinet.errors import SettingsError
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.settings import ScoringSettings
from msinet.panels import DATA, OUTPUT, SCORING

if TYPE_CHECKING:
    from msinet.evaluation.result import RetrievalResult
    from msinet.jobs.score import Plan

PROTOCOL_HELP = "\n\n".join(
    [
        "Protocol of scoring; may be given several times. By default the usual one of the dataset, or the one that fits "
        "its cameras:",
        *(f"{protocol.name}: {protocol.description}" for protocol in PROTOCOLS.values()),
    ]
)


def evaluate(
    *data: Annotated[Path, DATA],
    model: Annotated[tuple[Path, ...], DATA, SEVERAL] = (),
    embeddings: Annotated[Path | None, DATA] = None,
    protocol: Annotated[tuple[str, ...], SCORING, SEVERAL, Parameter(help=PROTOCOL_HELP)] = (),
    camera_pairs: Annotated[bool, SCORING] = False,
    draws: Annotated[Path | None, SCORING] = None,
    json: Annotated[Path | None, OUTPUT] = None,
    scoring: ScoringSettings = ScoringSettings(),
    reading: DataSettings = DataSettings(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Score models, or embeddings made by any other, on the query and gallery of one or several datasets.

    Args:
        data: Folders or tables of labelled images; every test size that they have is scored.
        model: Folder with model.safetensors and model.json, a name that msinet models lists, a file that msinet export
            wrote, or a network of others, FILE.onnx or FILE.xml, whose FILE.pixels.json says size, order, range, mean and
            std of its images. Given several times, each model is scored on all data.
        embeddings: Embeddings to score in place of a model: an .npz, Parquet or CSV file with the columns vectors and
            identity and, optionally, path, camera, track and split. With data, labels are the data's, and paths match
            vectors to images.
        camera_pairs: Scores of each query camera against each gallery camera as well.
        draws: File of the galleries that the protocol vehicleid draws: read if it is there, else written.
        json: File for the result; several results are written as a list.
    """
    if bool(model) == bool(embeddings) or (model and not data):
        there = {"data": data, "--model": model, "--embeddings": embeddings}
        given = " and ".join(name for name, value in there.items() if value) or "nothing"
        raise SettingsError(f"given is {given}: give data and --model, or --embeddings with or without data")
    from msinet.evaluation.result import save_results
    from msinet.jobs.score import Plan

    plan = Plan(protocols=protocol or (None,), scoring=scoring, camera_pairs=camera_pairs, draws=draws)
    with bars() as first:
        results = score_files(embeddings, data, plan, settings, reading) if embeddings else []
        results += score_networks(model, data, plan, settings, reading) if model else []
    show_results(results)
    if camera_pairs:
        show_camera_pairs(results)
    if json and first:
        if len(results) == 1:
            results[0].save(json)
        else:
            save_results(results, json)
        say(f"Written to {json}")


def score_files(
    file: Path, data: tuple[Path, ...], plan: "Plan", settings: MachineSettings, reading: DataSettings
) -> "list[RetrievalResult]":
    """Score embeddings in a file, on datasets or by their own labels."""
    from msinet.data.embedding_files import load_embeddings, load_vectors
    from msinet.data.readers.detect import load
    from msinet.jobs.score import score_embeddings

    if data:
        splits = [load(source, replace(reading, verify=False)) for source in data]
        return score_embeddings(load_vectors(file), splits, plan, settings)
    vectors, labelled = load_embeddings(file)
    show_left_out(labelled.skipped)
    return score_embeddings(vectors, [labelled], plan, settings)


def score_networks(
    models: tuple[Path, ...], data: tuple[Path, ...], plan: "Plan", settings: MachineSettings, reading: DataSettings
) -> "list[RetrievalResult]":
    """Score models on datasets."""
    from msinet.jobs.open_model import open_model
    from msinet.jobs.score import score_models

    networks = {folder: open_model(folder) for folder in models}
    return score_models(networks, [read(source, reading) for source in data], plan, settings)
