from msinet.experiments.tables import RankAndMAP, markdown_table, scores_cell


def test_a_cell_is_rank_1_and_map_in_percent_with_their_range():
    runs = [RankAndMAP(0.5, 0.25), RankAndMAP(0.7, 0.35)]
    assert scores_cell(runs) == "60.0 (50.0-70.0) / 30.0 (25.0-35.0)"
    assert scores_cell(runs[:1]) == "50.0 / 25.0"


def test_a_table_in_markdown():
    table = markdown_table(["a", "b"], [["1", "2"], ["3", "4"]])
    assert table == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
