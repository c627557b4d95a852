"""Whatever writes a run's folder is refused while another process writes there, before any work."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from msinet.architecture_search.search import search
from msinet.data.records import ReidSplits
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import BusyError
from msinet.evaluation.record import EvaluateCommand
from msinet.evaluation.result import RetrievalResult
from msinet.experiments.grid import once
from msinet.files.lock import LOCK
from msinet.files.owner import Owner
from msinet.jobs.demo import demo
from msinet.jobs.embed_shard import embed_shard
from msinet.jobs.rerun import rerun
from msinet.jobs.run import run
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.training.train import train
from msinet.world.dataset import make_world
from msinet.world.settings import WorldSettings

MSMT17 = Architecture.named("msmt17")


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture(scope="module")
def other():
    """A process that lives as long as these tests, as an owner."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    begun = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    yield replace(Owner.this_process(), process=process.pid, begun=begun)
    process.kill()
    process.wait()


@pytest.fixture
def busy(tmp_path, other):
    """A folder that another process writes to."""
    (tmp_path / LOCK).write_bytes(other.content())
    return tmp_path


@pytest.fixture
def network():
    return MSINet(MSMT17, 4, (16, 64, 96, 128), (32, 32)).eval()


def refused(busy: Path, kind: str = "folder"):
    return pytest.raises(BusyError, match=rf"another run \(process \d+ on .*\) writes to {busy}.*another {kind} for out")


def test_run_search_and_train(busy, splits, search_settings, train_settings):
    with refused(busy):
        run(splits, search_settings, train_settings, busy)
    with refused(busy):
        search(splits, search_settings, busy)
    with refused(busy):
        train(splits, MSMT17, train_settings, busy)
    assert [path.name for path in busy.iterdir()] == [LOCK]


def test_demo_and_data_make(busy):
    with refused(busy):
        demo(busy)
    with refused(busy):
        make_world(busy, WorldSettings(identities=2, cameras=2))
    assert [path.name for path in busy.iterdir()] == [LOCK]


def test_rerun(busy, splits, network, tmp_path_factory):
    model = tmp_path_factory.mktemp("model")
    save_model(network, model)
    before = RetrievalResult.load(Path(__file__).parent.parent / "before/run/result.json")
    with refused(busy):
        rerun(before, splits, busy)
    command = EvaluateCommand(Path("data"), before.record.command.reading, model, {"device": "cpu"})
    with refused(busy):
        rerun(before.with_record(command=command), splits, busy)


def test_a_job_of_an_experiment(busy):
    with refused(busy):
        once(busy / "scores.json", {}, lambda: pytest.fail("it began"))


def test_embed(tmp_path, other, splits, network):
    (tmp_path / "a.npz.lock").write_bytes(other.content())
    machine = Machine(MachineSettings(device="cpu"))
    with refused(tmp_path, "file"):
        embed_shard(network, splits, tmp_path / "a.npz", machine, "query")
    embed_shard(network, splits, tmp_path / "b.npz", machine, "query", verify=False)
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz.lock", "b.npz"}


def test_a_run_leaves_no_lock_and_no_folder_that_it_did_not_fill(tmp_path, splits, train_settings):
    train(splits, MSMT17, replace(train_settings, epochs=1), tmp_path / "done")
    assert not list(tmp_path.rglob("*.lock"))
    with pytest.raises(Exception, match="nothing to train on"):
        train(ReidSplits("none"), MSMT17, train_settings, tmp_path / "failed")
    assert not (tmp_path / "failed").exists()
