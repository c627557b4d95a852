"""Messages of the image decoders, kept off the terminal: they do not name the file that they are about."""

import ctypes
import logging
import warnings
from contextlib import suppress

from PIL import Image


def silence_decoders() -> None:
    """Silence Pillow's warnings and log, and the lines that libtiff writes to stderr by itself, for the whole process.

    What matters of them is said with the file's name: `load_image` refuses what cannot be decoded and what is too large, and
    broken EXIF or TIFF tags do not change pixels. Files are decoded by many threads, and `warnings.catch_warnings` exchanges
    the filters of all threads at once; a filter that is set once, before there are threads, is safe. It stands for
    Pillow's modules alone, and a program that wants their log attaches a handler as ever.
    """
    warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)(\.|$)")
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # Without any, Python prints errors to stderr.
    with suppress(OSError, AttributeError, TypeError):  # Where libtiff is a part of Pillow's own library, as on Windows.
        ctypes.CDLL(str(Image.core.__file__)).TIFFSetErrorHandler(None)
