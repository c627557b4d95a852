import numpy as np
import pytest
from PIL import Image

from msinet.data.doctor.checks import examine
from msinet.data.readers.detect import load_splits


@pytest.fixture
def findings_of(request):
    """Return a function from a fixture's name to the doctor's findings, after each image was replaced by a distinct one."""

    def examined(dataset: str) -> set[str]:
        path = request.getfixturevalue(dataset)
        pictures: dict[str, np.ndarray] = {}
        for file in sorted(path.rglob("*.jpg")):
            blotches = pictures.setdefault(
                file.name, np.random.default_rng(len(pictures)).integers(0, 255, (6, 8, 3), np.uint8)
            )
            Image.fromarray(blotches).resize((64, 48), Image.Resampling.BICUBIC).save(file)
        return {finding.name for finding in examine(load_splits(path))}

    return examined


@pytest.mark.parametrize(
    "dataset, more",
    [
        ("veri", {"training identities with one image"}),
        ("vehicleid", set()),
        ("veriwild", set()),
        ("vric", {"training identities in one camera"}),
        ("market", {"training identities with one image", "files left out"}),
        ("msmt17", set()),
        ("msmt17_v2", set()),
    ],
)
def test_a_sound_copy_is_only_small(findings_of, dataset, more):
    """Market-1501's junk is left out on purpose."""
    small = "few training identities" if dataset in ("veri", "market") else "only one training identity"
    assert findings_of(dataset) == {"not the published dataset", small} | more
