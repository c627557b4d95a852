import json
from dataclasses import replace

from msinet.cli.tables import show_baselines
from msinet.jobs.demo import DemoPlan, demo


def test_the_demo_does_the_whole_job_and_shows_what_it_beats(tmp_path, capsys, tiny_recipe):
    """As it is, but for fewer vehicles, a smaller network and fewer epochs."""
    plan = DemoPlan()
    world = replace(plan.world, identities=16, cameras=2, size=24, difficulty=0.0)
    recipe = {name: {**values, **tiny_recipe[name], "warmup_epochs": 0.0} for name, values in plan.recipe.items()}
    found = demo(tmp_path, 0, DemoPlan(world, recipe))
    show_baselines(found)
    words = capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["queries"] == 8
    baselines = result["evidence"]["baselines"]
    assert {f"{100 * baseline['mAP']:.1f}" for baseline in baselines} <= set(words.split())
    assert f"{100 * result['mAP']:.1f}" in words
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [baseline["name"] in page for baseline in baselines] == [True, True]
    assert result["record"]["command"]["data"] == str(tmp_path / "vehicles")
