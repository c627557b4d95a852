import subprocess
import sys
from typing import get_args

import pytest

from msinet.data.readers.detect import FORMATS
from msinet.data.settings import DataSettings, Format
from msinet.errors import SettingsError


def test_every_format_has_a_reader_in_the_same_order():
    assert list(FORMATS) == list(get_args(Format))


def test_an_unknown_format_is_named_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"format is 'coco': choose one of veri776, .*, folders") as error:
        DataSettings(format="coco")  # pyright: ignore[reportArgumentType]
    assert error.value.settings == ("format",)


def test_reading_data_needs_no_torch():
    modules = "embedding_files, identity_splits, pixels, settings, doctor.checks, doctor.report, readers.detect"
    imports = "\n".join(f"import msinet.data.{module}" for module in modules.split(", "))
    code = f"import sys\n{imports}\nassert not {{'torch', 'torchvision'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
