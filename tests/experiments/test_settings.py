import inspect
import subprocess
import sys
from typing import get_args

import pytest

from msinet.errors import SettingsError
from msinet.experiments.other_domains import ALIGNMENTS
from msinet.experiments.search_worth_plan import VARIANTS
from msinet.experiments.settings import AlignmentName, OtherDomainsSettings, SearchWorthSettings, SyntheticVehiclesSettings
from msinet.model.msinet.architecture import NAMED
from msinet.model.msinet.interactions import INTERACTIONS


def test_by_default_the_published_architectures_each_interaction_alone_and_shallow_ones_are_compared():
    shallow = "all:none:1,0x1", "all:none:1,1x1"
    assert SearchWorthSettings().others == (*NAMED, *(f"all:{name}" for name in INTERACTIONS), *shallow)


def test_alignments_that_can_be_asked_for_are_those_that_there_are():
    assert get_args(AlignmentName) == tuple(ALIGNMENTS) == OtherDomainsSettings().alignments


@pytest.mark.parametrize(
    ("name", "value"),
    [("seeds", ()), ("share", "0/2"), ("random", -1), ("validation_share", 1.0), ("validation_share", -0.1)],
)
def test_settings_that_cannot_work_are_refused(name, value):
    with pytest.raises(SettingsError, match=f"{name} is ") as error:
        SearchWorthSettings(**{name: value})
    assert error.value.settings == (name,)


@pytest.mark.parametrize("kind", [SearchWorthSettings, OtherDomainsSettings, SyntheticVehiclesSettings])
def test_every_experiment_is_repeated_with_three_seeds(kind):
    assert kind().seeds == (0, 1, 2)


def test_known_variants_are_named_in_the_help():
    assert all(name in inspect.getsource(SearchWorthSettings) for name in VARIANTS)


def test_settings_are_read_without_torch():
    code = "import sys, msinet.experiments.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
