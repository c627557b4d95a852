"""The verbs `experiment search-worth`, `experiment other-domains` and `experiment synthetic-vehicles`."""

from msinet.architecture_search.settings import SearchSettings
from msinet.cli.bars import bars
from msinet.cli.options import Data
from msinet.cli.reading import read
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.experiments.settings import (
    ExperimentSettings,
    OtherDomainsSettings,
    SearchWorthSettings,
    SyntheticVehiclesSettings,
)
from msinet.recipes import load_recipe
from msinet.training.settings import TrainSettings


def search_worth(
    data: Data, *, settings: SearchWorthSettings = SearchWorthSettings(), reading: DataSettings = DataSettings()
) -> None:
    """Compare searched architectures with random and given ones, and variants of the search. It prints Markdown.

    Stopped and started again, it resumes.
    """
    from msinet.experiments.search_worth import search_worth as compare

    search = SearchSettings(**load_recipe(settings.recipe)["search"])
    with bars():
        table = compare(read(data, reading).splits, settings, search, training_of(settings))
    say(table)


def other_domains(*, settings: OtherDomainsSettings = OtherDomainsSettings()) -> None:
    """Score networks that are trained by day or by night on both and on real vehicles, with and without spatial alignment.

    It prints Markdown. Stopped and started again, it resumes.
    """
    from msinet.experiments.other_domains import other_domains as score

    with bars():
        table = score(settings, training_of(settings))
    say(table)


def synthetic_vehicles(*, settings: SyntheticVehiclesSettings = SyntheticVehiclesSettings()) -> None:
    """Score networks and colour histograms on synthetic vehicles of several difficulties. It prints Markdown.

    Stopped and started again, it resumes.
    """
    from msinet.experiments.synthetic_vehicles import synthetic_vehicles as score

    with bars():
        table = score(settings, training_of(settings))
    say(table)


def training_of(settings: ExperimentSettings) -> TrainSettings:
    """Return the settings of an experiment's trainings, which are those of its recipe."""
    return TrainSettings(**load_recipe(settings.recipe)["train"])
