import ctypes
import sys
from contextvars import ContextVar

import numpy as np
import pytest
from tests.onnx_file import write_mean_colour

from msinet.deploy.own_thread import in_own_thread
from msinet.deploy.predictor import Predictor


class Stack(ctypes.Structure):
    """`stack_t` of Linux's signal.h."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def signal_stack() -> tuple[int | None, int]:
    """Start and size of the stack on which this thread handles signals."""
    stack = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start, stack.size


@pytest.mark.skipif(sys.platform != "linux", reason="stack_t is laid out as on Linux")
@pytest.mark.parametrize("streams", [1, 2])
def test_openvino_leaves_the_stack_for_signals(tmp_path, streams):
    """Its own would be freed with the network, by any thread, and Ctrl-C would end the process."""
    pytest.importorskip("openvino", reason='openvino is missing: pip install "msinet[openvino]"')
    file, before = write_mean_colour(tmp_path / "colour.onnx"), signal_stack()
    for _ in range(2):
        predictor = Predictor(f"openvino:{file}", streams=streams)
        assert len(predictor.embed(np.zeros((40, 20, 20, 3), np.uint8)).vectors) == 40
        assert signal_stack() == before


def test_what_a_function_returns_or_raises_comes_out():
    asked = ContextVar("asked", default="nothing")
    asked.set("here")
    assert in_own_thread(lambda a, b: (a / b, asked.get()), 6, b=3) == (2, "here")
    with pytest.raises(ZeroDivisionError):
        in_own_thread(lambda a, b: a / b, 1, 0)
