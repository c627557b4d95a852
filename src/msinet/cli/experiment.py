"""The verbs `experiment search-worth`, `experiment other-domains` and `experiment synthetic-vehicles`."""

from typing import Any

from msinet.architecture_search.settings import SearchSettings
from msinet.cli.app import require_extra
from msinet.cli.options import Data
from msinet.cli.reading import read
from msinet.cli.terminal import bars, say
from msinet.data.settings import DataSettings
from msinet.experiments.settings import OtherDomainsSettings, SearchWorthSettings, SyntheticVehiclesSettings
from msinet.jobs.recipes import load_recipe
from msinet.training.settings import TrainSettings


def search_worth(
    data: Data, *, settings: SearchWorthSettings = SearchWorthSettings(), reading: DataSettings = DataSettings()
) -> None:
    """Compare searched architectures with random and given ones, and variants of the search. It prints Markdown.

    Stopped and started again, it resumes.
    """
    from msinet.experiments.search_worth import search_worth as compare

    recipe = load_recipe(settings.recipe)
    with bars():
        splits = read(data, reading).splits
        table = compare(splits, settings, SearchSettings(**recipe["search"]), TrainSettings(**recipe["train"]))
    say(table)


def other_domains(*, settings: OtherDomainsSettings = OtherDomainsSettings()) -> None:
    """Score networks that are trained by day or by night on both and on real vehicles, with and without spatial alignment.

    It prints Markdown. Stopped and started again, it resumes.
    """
    print_table("other_domains", settings)


def synthetic_vehicles(*, settings: SyntheticVehiclesSettings = SyntheticVehiclesSettings()) -> None:
    """Score networks and colour histograms on synthetic vehicles of several difficulties. It prints Markdown.

    Stopped and started again, it resumes.
    """
    print_table("synthetic_vehicles", settings)


def print_table(name: str, settings: Any) -> None:
    """Run an experiment on synthetic vehicles and print its table."""
    try:
        from msinet.experiments import other_domains, synthetic_vehicles
    except ModuleNotFoundError as error:
        raise require_extra("demo", error) from error

    experiments = {
        "other_domains": other_domains.other_domains,
        "synthetic_vehicles": synthetic_vehicles.synthetic_vehicles,
    }
    with bars():
        table = experiments[name](settings, TrainSettings(**load_recipe(settings.recipe)["train"]))
    say(table)
