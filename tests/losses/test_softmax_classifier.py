import math

import numpy as np
import pytest
import torch

from msinet.losses.softmax_classifier import SoftmaxClassifier

LABELS = torch.tensor([0, 3, 3, 4])


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return SoftmaxClassifier(5, 8).double()


def test_the_loss_is_that_of_the_softmax(classifier, normal):
    """Image by image: -log of the share of the image's own identity."""
    features = normal(1, (4, 8))
    losses = []
    for feature, label in zip(features, LABELS.tolist(), strict=True):
        powers = np.exp((classifier.linear.weight @ feature + classifier.linear.bias).detach().numpy())
        losses.append(-np.log(powers[label] / powers.sum()))
    assert classifier(features, LABELS).item() == pytest.approx(np.mean(losses), rel=1e-12)


def test_it_starts_undecided(classifier, normal):
    assert classifier(normal(1, (4, 8)), LABELS).item() == pytest.approx(math.log(5), abs=0.05)


def test_it_learns_by_its_gradient_alone(classifier, normal):
    before = classifier.linear.weight.detach().clone()
    classifier.update(normal(1, (4, 8)), LABELS)
    assert classifier.linear.weight.equal(before)
    classifier(normal(1, (4, 8)), LABELS).backward()
    assert classifier.linear.weight.grad.ne(0).all()
