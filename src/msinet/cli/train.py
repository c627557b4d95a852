"""The verb `train`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.bars import bars
from msinet.cli.options import SEVERAL, Data, Out, Recipe
from msinet.cli.reading import read, require_recipe
from msinet.cli.tables import show_results
from msinet.cli.terminal import say, show_warning
from msinet.data.settings import DataSettings
from msinet.errors import SettingsError
from msinet.files.lock import sole_writer
from msinet.panels import DATA, NETWORK
from msinet.training.settings import TrainSettings


def train(
    data: Data,
    *,
    architecture: Annotated[str | None, NETWORK] = None,
    network: Annotated[str | None, NETWORK] = None,
    out: Out,
    recipe: Recipe = None,
    target: Annotated[tuple[Path, ...], DATA, SEVERAL] = (),
    reading: DataSettings = DataSettings(),
    settings: TrainSettings = TrainSettings(),
) -> None:
    """Train an architecture on the data. Stopped and started again, it resumes.

    Args:
        architecture: Architecture: a file made by search, or msmt17, veri776, random:SEED, all:INTERACTION. By default that
            of the model that --init names.
        network: Network in place of MSINet: osnet, or timm:NAME for a convolutional network of timm, whose weights begin
            anew and whose channels --width does not change.
        out: Folder for model.safetensors, model.json, the log train.jsonl and the checkpoint.
        target: Dataset of another domain to score the model on, beside the test set of the data itself; it is not trained
            on, and its layout is recognised. May be given several times. The results go to OUT/targets.json.
    """
    from dataclasses import replace

    from msinet.jobs.targets import train_for_targets
    from msinet.model.initial_weights import architecture_of
    from msinet.model.networks import find_architecture, require_network

    if architecture and network:
        raise SettingsError("given are --architecture, which is of MSINet, and --network, which is another: give one")
    if not (architecture or network or settings.init):
        raise SettingsError(
            "give what to train: an architecture of MSINet by --architecture, another network by --network, or a model to "
            "start from by --init"
        )
    chosen = find_architecture(architecture) if architecture else network or architecture_of(settings.init or "")
    require_recipe(recipe, data, reading, settings.init)
    if architecture:
        warn_of_other_sizes(Path(architecture), settings)
    if network:
        require_network(network, settings.image_size)
    with bars() as first, sole_writer(out, first):
        source = read(data, reading)
        targets = [read(folder, replace(reading, format=None)) for folder in target]
        trained, results = train_for_targets(source, targets, chosen, settings, out)
    if results:
        show_results(results)
    if trained.finished_before:
        say("Finished before with these settings and this data: nothing is trained anew")
    say(f"Written to {out}: model.safetensors, model.json" + (", targets.json" if results else ""))


def warn_of_other_sizes(architecture: Path, settings: TrainSettings) -> None:
    """Warn where a search counted the cost of its architecture at other sizes than those of the training."""
    from msinet.architecture_search.conclusion import sizes_in_budget

    sizes = {name: size for name, size in sizes_in_budget(architecture).items() if getattr(settings, name) != size}
    if sizes:
        options = " ".join(f"--{name.replace('_', '-')} {size:g}" for name, size in sizes.items())
        show_warning(f"{architecture} was searched for a budget, which counts its network at {options}: give the same")
