"""What the search decides by, and what it says about the choice."""

import json
from dataclasses import replace

import pytest
import torch

from msinet.architecture_search.certainty import shares_of
from msinet.architecture_search.search import search


def test_the_alphas_decide(search_settings, make_twins):
    twins = make_twins(search_settings)
    assert twins.decide({}).equal(twins.alphas)


def test_shares_are_those_of_the_cooled_mixture(make_splits, search_settings, tmp_path):
    found = search(make_splits(train=12), replace(search_settings, mixture_temperature=0.01), tmp_path)
    shares = torch.tensor([[choice.share, choice.rival_share] for choice in found.choices])
    cooled = torch.tensor(shares_of(found.alphas, 0.01))
    torch.testing.assert_close(shares, cooled.topk(2).values)
    written = json.loads((tmp_path / "architecture.json").read_text())
    assert [choice["share"] for choice in written["choices"]] == pytest.approx(shares[:, 0].tolist())
