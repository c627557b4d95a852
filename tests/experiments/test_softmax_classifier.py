import math

import numpy as np
import pytest
import torch

from msinet.experiments.softmax_classifier import SoftmaxClassifier

LABELS = torch.tensor([0, 3, 3, 4])
FEATURES = torch.randn(4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return SoftmaxClassifier(5, 8).double()


def test_the_loss_is_that_of_the_softmax(classifier):
    """Image by image: -log of the share of the image's own identity."""
    losses = []
    for feature, label in zip(FEATURES, LABELS.tolist(), strict=True):
        powers = np.exp((classifier.linear.weight @ feature + classifier.linear.bias).detach().numpy())
        losses.append(-np.log(powers[label] / powers.sum()))
    assert classifier(FEATURES, LABELS).item() == pytest.approx(np.mean(losses), rel=1e-12)


def test_it_starts_undecided(classifier):
    assert classifier(FEATURES, LABELS).item() == pytest.approx(math.log(5), abs=0.05)


def test_every_row_has_a_gradient(classifier):
    """An identity that is not in the batch, too."""
    classifier(FEATURES, LABELS).backward()
    assert classifier.linear.weight.grad.ne(0).all()
