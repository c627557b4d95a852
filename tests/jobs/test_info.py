import sys

from msinet.jobs.info import information


def test_a_report_names_versions_machine_extras_and_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (tmp_path / "msinet").mkdir()
    (tmp_path / "msinet/images").write_bytes(bytes(3 * 2**20))
    facts = information()
    assert {"msinet", "Python", "torch", "numpy", "processor", "memory", "extra demo", "extra table"} <= set(facts)
    assert facts["cache"].startswith(f"{tmp_path / 'msinet'}, 3 MiB")
    assert "OMP_NUM_THREADS=3" in facts["environment"]


def test_a_broken_pytorch_is_a_fact(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "cannot be loaded" in information()["PyTorch"]
