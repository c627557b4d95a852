"""Troubles of a dataset that the doctor can find: why each matters and what to do."""

from dataclasses import dataclass

from msinet.data.doctor.picture_troubles import PICTURE_TROUBLES
from msinet.data.doctor.trouble import Trouble

UNEVEN = 20
"""Factor to the median number of images: above it an identity has far more, below its inverse a camera far fewer."""

FEW = 32
"""Largest number of identities in a recipe's batch: a training split with fewer has few."""

TROUBLES = PICTURE_TROUBLES | {
    "no images": Trouble(
        True,
        "the dataset has nothing to train on or to score",
        "look at the files that were left out",
    ),
    "missing images": Trouble(
        True,
        "the labels name files that do not exist",
        "copy the files, or remove their lines from the labels",
    ),
    "files left out": Trouble(
        False,
        "these files do not belong to the dataset as it is read",
        "rename, label or list them if they should belong",
    ),
    "not the published dataset": Trouble(
        False,
        "scores on another version cannot be compared with published ones",
        "fetch the dataset again, or state with every score how much of it you have",
    ),
    "identities in both train and test": Trouble(
        True,
        "test identities must never appear in training, otherwise scores look better than they are",
        "keep all images of an identity in one split",
    ),
    "validation identities in train or test": Trouble(
        True,
        "a choice made on these identities is made on training or test data",
        "keep all images of an identity in one split",
    ),
    "identities spelled in two ways in train and test": Trouble(
        True,
        "labels that differ by zeros, capitals, blanks or look-alike letters may be one object, in training and in test",
        "write each identity in one way, or rename one of the two if they are different objects",
    ),
    "identities spelled in two ways": Trouble(
        False,
        "labels that differ by zeros, capitals, blanks or look-alike letters probably mean one object, which counts as two",
        "write each identity in one way",
    ),
    "labels that seem to mean no object": Trouble(
        False,
        "images of unknown or several objects under one label count as one object",
        "leave the identity of these images empty in a table, or move them out of the dataset",
    ),
    "cameras spelled in two ways": Trouble(
        False,
        "a camera under two labels makes images of the query's own camera count as matches",
        "write each camera in one way",
    ),
    "same image under two identities": Trouble(
        True,
        "the labels contradict each other",
        "correct the labels, or delete one of the files",
    ),
    "same image in train and test": Trouble(
        True,
        "the network is scored on images that it was trained on",
        "delete one of the files",
    ),
    "query images that are their own match": Trouble(
        True,
        "the gallery holds the same image under another camera, or without cameras: the query finds itself",
        "correct the camera, or delete one of the files",
    ),
    "duplicate images": Trouble(
        False,
        "a duplicate adds no information and doubles the weight of its image",
        "delete one of the files",
    ),
    "training identities with one image": Trouble(
        False,
        "the triplet loss has no second image of them and pairs the image with itself",
        "add images, or remove these identities",
    ),
    "training identities in one camera": Trouble(
        False,
        "these identities do not show how an object changes between cameras",
        "add images from other cameras",
    ),
    "identities with far more images than others": Trouble(
        False,
        f"an identity with more than {UNEVEN} times the median number of images dominates training",
        "keep fewer of its images",
    ),
    "only one training identity": Trouble(
        True,
        "a network learns to tell objects apart, and there is only one",
        "add identities",
    ),
    "nothing to score": Trouble(
        False,
        "without query and gallery, run and evaluate have nothing to score; train and search work",
        "add images of other identities as query and gallery, or as test",
    ),
    "few training identities": Trouble(
        False,
        f"a network learns to tell objects apart from many identities; the recipes' batches have up to {FEW}",
        "add identities, or train with fewer of them in a batch",
    ),
    "no query images": Trouble(
        True,
        "scoring needs queries and a gallery",
        "add query images",
    ),
    "no gallery images": Trouble(
        True,
        "scoring needs queries and a gallery",
        "add gallery images",
    ),
    "no query identity in the gallery": Trouble(
        True,
        "no query has a match, so that there are no scores",
        "check that query and gallery belong together and write identities alike, with the same leading zeros",
    ),
    "query identities missing from the gallery": Trouble(
        False,
        "queries without a match are not scored",
        "add gallery images of these identities, or check that both write identities alike",
    ),
    "no query has a match in another camera": Trouble(
        True,
        "images of the query's own camera are junk under the protocol market, so that there are no scores",
        "check the camera labels, or add gallery images from other cameras",
    ),
    "queries without a match in another camera": Trouble(
        False,
        "images of the query's own camera are junk under the protocol market, so that these queries are not scored",
        "add gallery images from other cameras",
    ),
    "no query has a match besides itself": Trouble(
        True,
        "a query's own file is not a match, so that there are no scores",
        "add other gallery images of the query identities",
    ),
    "queries without a match besides themselves": Trouble(
        False,
        "a query's own file is not a match, so that these queries are not scored",
        "add other gallery images of these identities",
    ),
    "no cameras": Trouble(
        False,
        "matches from the query's own camera are easy and cannot be excluded: scores look better than across cameras",
        "label the cameras if there are several; without labels the protocol no-camera is used",
    ),
    "images without a camera": Trouble(
        True,
        "the protocol market needs the camera of every image, and other images have one",
        "label the cameras of all images, or of none",
    ),
    "cameras with far fewer images than others": Trouble(
        False,
        "these cameras hardly contribute to training and scores",
        "add images from these cameras",
    ),
}
"""All kinds of findings by name."""


@dataclass(frozen=True)
class Finding:
    """A trouble that a dataset has."""

    name: str
    """Key of `TROUBLES`."""
    spoils: bool
    """Whether training or scores are wrong with it."""
    count: int
    """Number of files, images or identities."""
    examples: tuple[str, ...]
    """The first few of them."""
    why: str
    """Why it matters."""
    advice: str
    """What to do."""
