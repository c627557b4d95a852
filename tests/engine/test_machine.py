"""What the loops need of the machine."""

import platform
import resource

import pytest
import torch

from msinet.engine.machine import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library here is not glibc")
def test_memory_that_a_step_frees_serves_the_next_step_without_new_pages():
    keep_freed_memory()
    numbers = 2**24  # 64 MB: the system would give it, and take it back, in pages of its own
    for _ in range(4):  # until glibc has a piece that also fits with its alignment
        torch.ones(numbers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(numbers)
    pages = 4 * 4 * numbers // resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages / 2
