"""Troubles of single pictures: files that cannot be read, sizes, and pictures that show little or nothing."""

from msinet.data.doctor.trouble import Trouble

TINY = 24
"""Pixels of the shorter side below which an image is tiny."""

HUGE = 4_000_000
"""Pixels above which an image is hardly a crop of one object."""

PICTURE_TROUBLES = {
    "unreadable images": Trouble(
        True,
        "training and scoring leave out files that cannot be decoded",
        "export the files again, or delete them",
    ),
    "most pictures show nothing": Trouble(
        True,
        "more than half of the images are nearly one grey level all over: there is nothing to learn or to compare",
        "look at some of them, and export them again; 16-bit colours of a camera with fewer bits must be scaled to 16 bits",
    ),
    "pictures that show nothing": Trouble(
        False,
        "they are nearly one grey level all over, so that any of them matches any other",
        "delete them, or export them again if the object should be seen",
    ),
    "very dark pictures": Trouble(
        False,
        "they use the darkest eighth of the grey levels alone, so that little of the object is left",
        "expose them longer, or scale the levels before saving: 16-bit colours of a camera with fewer bits to 16 bits",
    ),
    "pictures with little contrast": Trouble(
        False,
        "nearly all of their grey levels lie within an eighth of the range, as in raw images of thermal cameras",
        "scale the levels that the camera uses to the full range of 8 bits, by the same numbers for all images",
    ),
    "pictures with a flat part": Trouble(
        False,
        "a large part has exactly one colour: the file has lost data, or it is a border, a mask or overexposed",
        "look at them and copy damaged files again; borders do no harm if all images have them",
    ),
    "JPEGs that end in zeros": Trouble(
        False,
        "the rest of the file was never written, so that the lower part of the picture is made up",
        "copy or download them again",
    ),
    "16-bit images of different depth": Trouble(
        False,
        "a file does not state the camera's bits; they are taken from its brightest level, and differ within a camera",
        "save all images of a camera with 8 bits by one scale, so that their brightness can be compared",
    ),
    "files with several pages or frames": Trouble(
        False,
        "only the first page or frame of a file is used",
        "save the others as files of their own if they should belong",
    ),
    "tiny images": Trouble(
        False,
        f"fewer than {TINY} pixels on a side show too little to tell objects apart",
        "leave them out, or crop them from larger pictures",
    ),
    "huge images": Trouble(
        False,
        "crops of one object are rarely that large, and large images decode slowly",
        "crop the objects if these are whole pictures",
    ),
    "images rotated by EXIF": Trouble(
        False,
        "msinet rotates them upright, but other programs may not",
        "save them upright",
    ),
}
"""Findings about pictures by name."""
