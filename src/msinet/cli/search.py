"""The verb `search`."""

from msinet.architecture_search.settings import SearchSettings
from msinet.cli.bars import bars
from msinet.cli.options import Data, Out, Recipe
from msinet.cli.reading import read, require_recipe
from msinet.cli.tables import show_architecture, show_searched
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.files.lock import sole_writer


def search(
    data: Data,
    *,
    out: Out,
    recipe: Recipe = None,
    reading: DataSettings = DataSettings(),
    settings: SearchSettings = SearchSettings(),
) -> None:
    """Search an architecture for the data. Stopped and started again, it resumes.

    Args:
        out: Folder for architecture.json, that of each of the budgets, the log search.jsonl, trials, finals and checkpoints.
    """
    from msinet.architecture_search.search import search as search_architecture

    require_recipe(recipe, data, reading)
    with bars() as first, sole_writer(out, first):
        found = search_architecture(read(data, reading).splits, settings, out)
    show_architecture(found.architecture)
    show_searched(found)
    if found.finished_before:
        say("Finished before with these settings and this data: nothing is searched anew")
    say(f"Written to {out / 'architecture.json'}")
