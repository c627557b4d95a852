"""The costs were counted on the published network (FACTS, section 2)."""

import subprocess
import sys

import pytest
import torch

from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        ("msmt17", 2_328_035),
        ("veri776", 2_323_439),
        ("all:none", 2_321_600),
        ("all:exchange", 2_321_600),
        ("all:channel_gate", 2_337_672),
        ("all:cross_attention", 2_321_612),
    ],
)
def test_parameters_are_the_published_ones(architecture, parameters):
    assert count_parameters(MSINet(Architecture.find(architecture), 5)) == parameters


@pytest.mark.parametrize(
    ("architecture", "size", "multiply_adds"),
    [
        ("msmt17", (256, 256), 2_257_923_584),
        ("msmt17", (256, 128), 1_129_131_520),
        ("veri776", (256, 256), 2_320_829_696),
        ("veri776", (256, 128), 1_160_580_352),
    ],
)
def test_multiply_adds_are_the_published_ones(architecture, size, multiply_adds):
    assert count_multiply_adds(MSINet(Architecture.named(architecture), 5), size) == multiply_adds


@pytest.fixture
def network():
    return MSINet(Architecture.named("msmt17"), 5, channels_at(0.25), image_size=(64, 32))


def test_multiply_adds_are_counted_at_the_networks_own_size(network):
    assert count_multiply_adds(network) == count_multiply_adds(network, (64, 32)) < count_multiply_adds(network, (64, 64))


def test_classifiers_do_not_count(network):
    other = MSINet(network.architecture, 500, network.channels, network.image_size)
    assert count_parameters(other) == count_parameters(network)
    assert count_multiply_adds(other) == count_multiply_adds(network)


def test_counting_changes_nothing(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random_state = torch.get_rng_state()
    count_parameters(network)
    count_multiply_adds(network)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(module._forward_hooks for module in network.modules())


AFTER_COUNTING = """
import os, torch
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
count_multiply_adds(MSINet(Architecture.named("msmt17"), identities=2, image_size=(64, 32)))
if (child := os.fork()) == 0:
    torch.ones(1, requires_grad=True).sum().backward()
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_forked_after_counting_can_learn():
    assert subprocess.run([sys.executable, "-c", AFTER_COUNTING]).returncode == 0
