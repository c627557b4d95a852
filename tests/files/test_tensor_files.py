import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from msinet.errors import FileError
from msinet.files.tensor_files import load_arrays, save_arrays

SHAPES = arrays.array_shapes(min_dims=0, min_side=0)
DTYPES = st.sampled_from([np.float32, np.float16, np.int64, np.uint8, np.bool_])


@given(st.dictionaries(st.text("abc.", min_size=1), arrays.arrays(DTYPES, SHAPES), max_size=4))
def test_arrays_of_any_shape_and_values_come_back(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("files") / "a.safetensors"
    save_arrays(path, found, {"step": 3, "names": ["é"]})
    again, values = load_arrays(path)
    assert values == {"step": 3, "names": ["é"]}
    assert again.keys() == found.keys()
    for name, array in found.items():
        assert (again[name].dtype, again[name].shape) == (array.dtype, array.shape)
        assert again[name].tobytes() == array.tobytes()


def test_the_order_in_memory_changes_nothing(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    for name, value in (("plain", array), ("turned", np.asfortranarray(array))):
        save_arrays(tmp_path / name, {"a": value}, {})
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "turned").read_bytes()


def test_a_changed_byte_is_found(tmp_path):
    path = tmp_path / "a.safetensors"
    save_arrays(path, {"a": np.zeros(100)}, {})
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileError, match="its checksum is wrong"):
        load_arrays(path)
