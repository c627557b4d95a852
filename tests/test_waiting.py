import subprocess
import sys

import pytest

from msinet.waiting import SPIN_COUNT, VARIABLES, wait_shortly


def test_threads_spin_shortly_where_nothing_is_said():
    environment = {"OMP_NUM_THREADS": "2"}
    wait_shortly(environment)
    assert environment == {"OMP_NUM_THREADS": "2", "GOMP_SPINCOUNT": SPIN_COUNT}


@pytest.mark.parametrize("name", VARIABLES)
def test_the_users_own_setting_wins(name):
    environment = {name: "1"}
    wait_shortly(environment)
    assert environment == {name: "1"}


def test_it_is_set_before_pytorch_is_loaded():
    code = "import os, sys, msinet; print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])"
    done = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", SPIN_COUNT]


def test_the_openmp_library_of_pytorch_reads_it():
    """libgomp says what it took from the environment; other OpenMP libraries do not know the variable."""
    code = "import msinet, torch; torch.ones(100_000).add(1)"
    environment = {"PATH": "", "OMP_DISPLAY_ENV": "verbose"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("PyTorch here has an OpenMP library other than libgomp")
    assert f"GOMP_SPINCOUNT = '{SPIN_COUNT}'" in done.stderr
