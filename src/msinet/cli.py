"""The command line: one verb, one function."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.config import Dict

import msinet
from msinet.console import (
    FIRST,
    Bars,
    progress_bars,
    say,
    say_aside,
    show_architecture,
    show_baselines,
    show_camera_pairs,
    show_differences,
    show_error,
    show_findings,
    show_result,
    show_results,
    show_warning,
)
from msinet.engine.recipes import load_recipe
from msinet.engine.settings import MachineSettings, Precision, SearchSettings, TrainSettings
from msinet.errors import MSINetError, SettingsError
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.settings import ScoringSettings
from msinet.world.settings import WorldSettings

if TYPE_CHECKING:
    from msinet.data.records import ReidSplits, Skipped

FEW_IMAGES = 5000
"""Below so many training images, `msinet run` takes the recipe small-data unless told otherwise."""

app = App(
    name="msinet",
    help="Search, train, prove and use light networks that recognise the same object again.",
    version=msinet.__version__,
    suppress_keyboard_interrupt=False,
)


data_app = App(name="data", help="Check data sets, and make synthetic ones.")
app.command(data_app)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """How the data is read."""

    format: str | None = None
    """One of veri776, vehicleid, veriwild, vric, market1501, msmt17, table, folders; recognised where not given."""
    split_seed: int = 0
    """Where the data has no splits: decides which half of the identities is trained on. Keep it for all commands."""
    verify: bool = True
    """Decode every image first, and leave out those that cannot be read."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BothOptions:
    """What search and training of one run share; given here, it holds for both."""

    seed: int | None = None
    """Fixes the start of the weights, the batches and every augmentation."""
    device: str | None = None
    """auto, cpu, cuda or cuda:1."""
    precision: Precision | None = None
    """auto, fp32 or bf16."""
    workers: int | None = None
    """Processes that load images; 0 loads them in the main process."""
    deterministic: bool | None = None
    """On a GPU, too, take only algorithms that give the same result each time; a CPU does so anyway. Slower."""
    image_cache: bool | None = None
    """Keep decoded images in ~/.cache/msinet, where the disk has room: later epochs and runs need not decode them."""
    compile: bool | None = None
    """Compile the networks (needs a C++ compiler): costs minutes at the start and at each image size; for long runs."""
    sync_batch_norm: bool | None = None
    """With several GPUs: batch norms take their statistics over all of them, not each over its share of a batch."""


class RecipeNeeded(Exception):
    """The data asks for a recipe that the command line did not name."""


@app.command
def demo(*, out: Path = Path("runs/demo"), seed: int = 0) -> None:
    """Show the whole job on synthetic vehicles, in minutes of two CPU cores: make, search, train, score, report.

    Stopped and started again, it goes on.

    Args:
        out: Folder for the vehicles, the network and report.html.
        seed: Of vehicles, cameras and network.
    """
    try:
        from msinet.demo import demo as run_demo
    except ModuleNotFoundError as error:
        raise extra_needed("demo", error) from error

    with progress_bars() as bars:
        result = run_demo(out, seed, bars)
    show_baselines(result)
    say(f"On vehicles never seen in training. Open {out / 'report.html'} in a browser; the same for your own images:")
    say("msinet run FOLDER --out runs/mine, with FOLDER/<identity>/<camera>/*.jpg")


@app.command
def run(
    data: Path,
    *,
    out: Path,
    recipe: str | None = None,
    protocol: str | None = None,
    options: DataOptions = DataOptions(),
    both: BothOptions = BothOptions(),
    search: Annotated[SearchSettings, Parameter(name="--search")] = SearchSettings(),
    train: Annotated[TrainSettings, Parameter(name="--train")] = TrainSettings(),
) -> None:
    """Search an architecture, train it and score it; stopped and started again, it goes on.

    Without --recipe, fewer than 5000 training images take small-data, and more take the published settings.

    Args:
        data: Folder or table of labelled images.
        out: Folder for the architecture, the model, the result and the logs.
        recipe: veri776, person, cross-domain, small-data or a TOML file of settings.
        protocol: Rule of scoring, as msinet evaluate --help lists them; by default the one that fits the data.
    """
    if recipe is None and len(msinet.load_splits(data, options.format, options.split_seed, False).train) < FEW_IMAGES:
        raise RecipeNeeded("small-data")
    from msinet.engine.rerun import run_command
    from msinet.engine.run import run as run_all
    from msinet.report.page import write_report

    given = {name: value for name, value in asdict(both).items() if value is not None}
    with progress_bars() as bars:
        splits = read(data, options, bars)
        command = run_command(data, options, protocol)
        result = run_all(splits, replace(search, **given), replace(train, **given), out, protocol, bars, command)
        if FIRST:
            write_report(out, splits.gallery)
    show_doubts(out)
    show_result(result)
    say(f"Written to {out}: report.html, architecture.json, model.safetensors, model.json, result.json")


@app.command
def search(
    data: Path,
    *,
    out: Path,
    recipe: str | None = None,
    options: DataOptions = DataOptions(),
    settings: SearchSettings = SearchSettings(),
) -> None:
    """Search an architecture for the data; stopped and started again, it goes on.

    Args:
        data: Folder or table of labelled images.
        out: Folder for architecture.json, the log search.jsonl and the checkpoint.
        recipe: veri776, person, cross-domain, small-data or a TOML file of settings.
    """
    with progress_bars() as bars:
        architecture = msinet.search(read(data, options, bars), settings, out, bars)
    show_architecture(architecture)
    show_doubts(out)
    say(f"Written to {out / 'architecture.json'}")


@app.command
def train(
    data: Path,
    *,
    architecture: str,
    out: Path,
    recipe: str | None = None,
    target: Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)] = (),
    options: DataOptions = DataOptions(),
    settings: TrainSettings = TrainSettings(),
) -> None:
    """Train an architecture on the data; stopped and started again, it goes on.

    Args:
        data: Folder or table of labelled images.
        architecture: A file made by search, or msmt17, veri776, random:SEED, all:INTERACTION.
        out: Folder for model.safetensors, model.json, the log train.jsonl and the checkpoint.
        recipe: veri776, person, cross-domain, small-data or a TOML file of settings.
        target: Another data set, never trained on, to score the model on, beside the data itself; may be given several
            times, its layout recognised. The results go to OUT/targets.json.
    """
    from msinet.engine.evaluate import evaluate_all, require_answers
    from msinet.engine.rerun import evaluate_command
    from msinet.evaluation.metrics import save_results

    chosen, results, elsewhere = msinet.Architecture.find(architecture), [], replace(options, format=None)
    with progress_bars() as bars:
        splits = read(data, options, bars)
        domains = [(folder, elsewhere, read(folder, elsewhere, bars)) for folder in target]
        if domains and splits.query and splits.gallery:
            domains.insert(0, (data, options, splits))
        for _, _, scored in domains:  # What cannot be scored is said before the training.
            for task in scored.scored().values():
                require_answers(scored, task, None)
        model = msinet.train(splits, chosen, settings, out, bars)
        for folder, how, scored in domains:
            found = evaluate_all(model, scored, settings=settings, progress=bars)
            for result in found:
                result.info["command"] = evaluate_command(folder, how, out, settings.machine)
            results += found
    if results and FIRST:
        show_results(results)
        save_results(results, out / "targets.json")
    say(f"Written to {out}: model.safetensors, model.json" + (", targets.json" if results else ""))


@app.command(help_epilogue="\n\n".join(["Protocols:", *(f"{p.name}: {p.description}" for p in PROTOCOLS.values())]))
def evaluate(
    *data: Path,
    model: Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)] = (),
    embeddings: Path | None = None,
    protocol: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    camera_pairs: bool = False,
    draws: Path | None = None,
    json: Path | None = None,
    scoring: ScoringSettings = ScoringSettings(),
    options: DataOptions = DataOptions(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Score models, or embeddings made by any other, on the query and gallery of one or several data sets.

    Args:
        data: Folders or tables of labelled images; every test size that they have is scored.
        model: Folder with model.safetensors and model.json; given several times, each is scored on all data.
        embeddings: In place of a model: an .npz or Parquet file with vectors, identity and, if there, path, camera, track
            and split. With data, labels are the data's, and paths tell which vector is whose.
        protocol: Rule of scoring, see below; may be given several times. By default the one usual for the data set, or
            the one that fits the cameras.
        camera_pairs: Score each query camera against each gallery camera as well.
        draws: File of the galleries that the protocol vehicleid draws: read where it is there, else drawn and written.
        json: Write the result to this file; several results as a list.
    """
    from msinet.data.embedding_files import load_embeddings
    from msinet.engine.evaluate import evaluate_all, score_embeddings
    from msinet.engine.rerun import evaluate_command
    from msinet.evaluation.metrics import save_results

    if bool(model) == bool(embeddings) or (model and not data):
        raise SettingsError("give data and --model, or --embeddings with or without data")
    names, results = protocol or (None,), []
    with progress_bars() as bars:
        if embeddings:
            vectors, labelled = load_embeddings(embeddings)
            if not data:
                show_left_out(labelled.skipped)
            told = [msinet.load_splits(source, options.format, options.split_seed, verify=False) for source in data]
            for splits in told or [labelled]:
                results += score_embeddings(vectors, splits, names, scoring, settings, camera_pairs, draws)
        networks = {folder: msinet.load_model(folder) for folder in model}
        for source in data if model else ():
            splits = read(source, options, bars)
            for folder, network in networks.items():
                found = evaluate_all(network, splits, None, names, scoring, settings, bars, camera_pairs, draws)
                command = evaluate_command(source, options, folder, settings, scoring, camera_pairs, draws)
                for result in found:
                    result.info["command"] = command
                results += found
    show_results(results)
    if camera_pairs:
        show_camera_pairs(results)
    if json and FIRST:
        if len(results) == 1:
            results[0].save(json)
        else:
            save_results(results, json)
        say(f"Written to {json}")


@app.command
def embed(
    data: Path,
    *,
    model: Path,
    out: Path,
    split: str = "all",
    shard: str = "1/1",
    options: DataOptions = DataOptions(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Write the embeddings of the images to an .npz file, which is there when it is whole.

    Args:
        data: Folder or table of labelled images.
        model: Folder with model.safetensors and model.json.
        out: File to write: vectors (N, D) of unit length, and path, identity, camera, track and split of each.
        split: train, validation, query, gallery or all.
        shard: 3/100 takes the third hundredth of the images, so that many machines can share the work.
    """
    from msinet.data.embedding_files import save_embeddings, split_words
    from msinet.data.images import drop_unreadable
    from msinet.data.records import SPLIT_NAMES
    from msinet.engine.runtime import share_of

    if split not in (*SPLIT_NAMES, "all"):
        raise SettingsError(f"--split {split} is none of {', '.join(SPLIT_NAMES)}, all")
    which, shards = shard_of(shard)
    network = msinet.load_model(model)
    with progress_bars() as bars:
        splits = msinet.load_splits(data, options.format, options.split_seed, verify=False)
        parts = splits.parts()
        chosen = parts if split == "all" else (split,)
        records = list({record.path: record for name in chosen for record in parts[name]}.values())
        records = records[share_of(len(records), which, shards)]
        if options.verify:
            bars.start("check images", len(records))
            records, skipped = drop_unreadable(records, bars.advance)
            show_left_out(skipped)
        embeddings = msinet.embed(network, records, settings, bars)
    if FIRST:
        save_embeddings(embeddings, out, split_words(splits))
    say(f"Written to {out}: {len(records)} embeddings")


@data_app.command
def check(
    data: Path,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
    format: str | None = None,
    split_seed: int = 0,
) -> None:
    """Say what is wrong with a data set. Exit code 1 where something would spoil training or scores.

    Args:
        data: Folder or table of labelled images.
        json: Write the findings as JSON, for programs, instead of a table.
        format: One of veri776, vehicleid, veriwild, vric, market1501, msmt17, table, folders; recognised where not given.
        split_seed: Where the data has no splits: decides which half of the identities is trained on.
    """
    from msinet.data.doctor import every_record, examine, report_of
    from msinet.data.readers.detect import read_as_it_is

    with progress_bars() as bars:
        splits = read_as_it_is(data, format, split_seed)
        bars.start("look at images", len({record.path for record in every_record(splits)}))
        findings = examine(splits, bars.advance)
    if json:
        say(report_of(splits, findings))
    else:
        show_findings(splits, findings)
    if any(finding.spoils for finding in findings):
        raise MSINetError("some of this would spoil training or scores")


@data_app.command
def make(out: Path, *, processes: int | None = None, settings: WorldSettings = WorldSettings()) -> None:
    """Make a data set of synthetic vehicles, laid out as VeRi-776; stopped and started again, it goes on.

    Args:
        out: Folder for the images and their lists.
        processes: That make images; by default one a core. The images are the same with any number.
    """
    try:
        from msinet.world.dataset import make_world
    except ModuleNotFoundError as error:
        raise extra_needed("demo", error) from error

    with progress_bars() as bars:
        make_world(out, settings, bars, processes)
    images = settings.identities * settings.cameras * settings.images_per_camera
    train, test = settings.identities - settings.test_identities, settings.test_identities
    say(f"Written to {out}: {images} images of {settings.identities} vehicles, {train} train, {test} test")


@app.command
def report(run: Path, *, data: Path | None = None) -> None:
    """Make report.html of a run: one page with scores, curves, the architecture and ranked images, that needs nothing else.

    Args:
        run: Folder that msinet run wrote, or one with the result.json of msinet evaluate.
        data: Where the data is now, if it has moved.
    """
    from msinet.report.page import load_result, write_report

    command = load_result(run).info.get("command", {})
    source = data or (Path(command["data"]) if command else None)
    records = ()
    if source and source.exists():
        options = DataOptions(**command.get("options", {}))
        records = msinet.load_splits(source, options.format, options.split_seed, verify=False).gallery
    say(f"Written to {write_report(run, records)}")


@app.command
def rerun(result: Path, *, out: Path, data: Path | None = None) -> None:
    """Repeat what made a result and compare; stopped and started again, it goes on. Exit code 1 where scores differ.

    Args:
        result: A result.json that msinet run or msinet evaluate wrote.
        out: Folder for the files of the repetition.
        data: Where the data is now, if it has moved.
    """
    from msinet.engine.rerun import differences
    from msinet.engine.rerun import rerun as repeat

    before = msinet.RetrievalResult.load(result)
    with progress_bars() as bars:
        after = repeat(before, lambda c: read(data or Path(c["data"]), DataOptions(**c["options"]), bars), out, bars)
    show_result(after)
    differing = differences(before, after)
    if differing:
        show_differences(differing)
    if after.table() != before.table():
        raise MSINetError(f"the scores are not those of {result}")
    say(f"The scores are those of {result}, to the last digit")


@app.command
def convert(
    file: Path, *, out: Path, architecture: str = "msmt17", height: int | None = None, width: int | None = None
) -> None:
    """Turn a checkpoint of the published implementation into a model of ours.

    Args:
        file: The published checkpoint.
        out: Folder for model.safetensors and model.json.
        architecture: The one that the weights were trained with: a name or a file.
        height: Of the images that they were trained on, in pixels; not given, 256.
        width: Likewise; not given, 128 for msmt17, else 256.
    """
    from msinet.model.model_files import save_model
    from msinet.model.published import read_published

    if (height is None) != (width is None):
        raise SettingsError("give both --height and --width, or neither")
    size = (height, width) if height and width else None
    published = read_published(file, architecture, size)
    save_model(published.network, out, {"converted_from": file.name, "left_out": published.left_out})
    for name in published.left_out:
        say(f"left out: {name}")
    say(f"Written to {out}: model.safetensors, model.json")


def read(data: Path, options: DataOptions, bars: Bars) -> "ReidSplits":
    """Read the dataset, and say what was found and what was left out."""
    if options.verify:
        bars.start("check images", None)
    splits = msinet.load_splits(data, options.format, options.split_seed, options.verify, bars.advance)
    sizes = [f"{len(getattr(splits, name))} {name}" for name in ("train", "validation", "query", "gallery")]
    say(f"{splits.name}: {', '.join(sizes)} images")
    for remark in splits.remarks:
        say(f"  {remark}")
    show_left_out(splits.skipped)
    return splits


def show_doubts(out: Path) -> None:
    """Say what speaks against the architecture that a search left in a folder."""
    if FIRST:
        for doubt in msinet.Architecture.values_in(out / "architecture.json").get("doubts", []):
            show_warning(doubt)


def extra_needed(extra: str, error: ModuleNotFoundError) -> MSINetError:
    """Return the error that names the extra to install."""
    return MSINetError(f'{error.name} is missing: pip install "msinet[{extra}]"')


def show_left_out(skipped: "Sequence[Skipped]") -> None:
    """Name the first files that were left out, and count the others."""
    for one in skipped[:3]:
        say(f"  left out {one.path}: {one.reason}")
    if len(skipped) > 3:
        say(f"  and {len(skipped) - 3} more left out")


def shard_of(shard: str) -> tuple[int, int]:
    """Return which shard it is, from 0, and of how many: 3/100 -> (2, 100)."""
    which, _, shards = shard.partition("/")
    if not (which.isdecimal() and shards.isdecimal() and 1 <= int(which) <= int(shards)):
        raise SettingsError(f"--shard {shard}: write which of how many, from 1/100 to 100/100")
    return int(which) - 1, int(shards)


def recipe_of(tokens: Sequence[str]) -> dict[str, Any]:
    """Return the settings of the recipe that the command line names, for each command that takes them."""
    named = [b for a, b in pairwise(tokens) if a == "--recipe"]
    named += [token.partition("=")[2] for token in tokens if token.startswith("--recipe=")]
    recipe = load_recipe(named[-1]) if named else {}
    return {**recipe, "run": recipe}


def main(tokens: Sequence[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 done, 1 data or result not good enough, 2 wrong usage, 130 stopped."""
    tokens = sys.argv[1:] if tokens is None else tokens
    try:
        app.config = (Dict(recipe_of(tokens)),)
        app(tokens)
    except RecipeNeeded as needed:
        say(f"Fewer than {FEW_IMAGES} training images: using --recipe {needed}")
        main([*tokens, "--recipe", str(needed)])
    except (MSINetError, OSError) as error:
        show_error(str(error))
        sys.exit(2 if isinstance(error, SettingsError) else 1)
    except KeyboardInterrupt:
        say_aside("stopped: run, search, train and data make go on from here with the same command")
        sys.exit(130)
