import json

from msinet import demo as demo_module
from msinet.cli import main

TINY = {
    "image_height": 32,
    "image_width": 32,
    "width": 0.25,
    "epochs": 1,
    "identities_per_batch": 4,
    "images_per_identity": 2,
}


def test_the_demo_does_the_whole_job_and_shows_what_it_beats(tmp_path, monkeypatch, capsys):
    """As it stands, but for fewer vehicles and a smaller network."""
    small = {"identities": 16, "cameras": 2, "size": 24, "city": "day", "difficulty": 0.0}
    monkeypatch.setattr(demo_module, "WORLD", small)
    monkeypatch.setattr(demo_module, "load_recipe", lambda name: {"search": TINY, "train": TINY})
    main_code = 0
    try:
        main(["demo", "--out", str(tmp_path)])
    except SystemExit as stop:
        main_code = stop.code
    assert not main_code
    words = capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["queries"] == 8
    assert {f"{100 * scores['mAP']:.1f}" for scores in result["info"]["baselines"].values()} <= set(words.split())
    assert f"{100 * result['mAP']:.1f}" in words
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for name in result["info"]["baselines"]:
        assert name in page
    assert result["info"]["command"]["data"] == str(tmp_path / "vehicles")
