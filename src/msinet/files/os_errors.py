"""Errors of the operating system in words: what is wrong, and what to do about it."""

import errno

EITHER = {
    errno.ENAMETOOLONG: "the name is too long for this disk: choose a shorter one",
    errno.EIO: "the disk reports a fault: check its connection and its health, and copy elsewhere what can still be read",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n), or use fewer workers",
    errno.ENFILE: "too many files are open on this machine: close other programs, then run the same again",
    errno.ELOOP: "links lead in a circle: pass the folder or file that they should lead to",
    errno.ESTALE: "the shared disk has lost sight of it: run the same again, and mount the disk anew if that does not help",
    errno.ETIMEDOUT: "the shared disk does not answer: wait until it does, then run the same again",
    errno.ENOTCONN: "the disk is not connected: mount it again, then run the same again",
}
"""Words by number, of reading and of writing."""

READING = {
    errno.ENOENT: "there is no such file or folder: check the path, and whether its disk is mounted",
    errno.EACCES: "you have no right to read it: have its owner give you the right (chmod)",
    errno.EISDIR: "it is a folder, not a file: pass a file",
    errno.ENOTDIR: "a file is where the path needs a folder: check the path",
}

WRITING = {
    errno.ENOSPC: "the disk is full: free some space, or write elsewhere",
    errno.EDQUOT: "your quota on this disk is used up: free some space, or write elsewhere",
    errno.EFBIG: "the file is larger than this disk or your limit (ulimit -f) allows: raise the limit, or write elsewhere",
    errno.EROFS: "the disk can only be read: write elsewhere",
    errno.EACCES: "you have no right to write there: have the folder's owner give you the right (chmod), or write elsewhere",
    errno.ENOENT: "its folder has vanished: see that nothing moves or deletes it and that its disk is mounted, "
    "then run the same again",
    errno.EISDIR: "a folder of that name is in its place: move the folder, or write elsewhere",
    errno.ENOTDIR: "a file is where the path needs a folder: move the file, or write elsewhere",
    errno.EEXIST: "a file, or a link to nothing, is where the path needs a folder: move it, or write elsewhere",
}

KINDS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, IsADirectoryError: errno.EISDIR}
"""Numbers of errors that libraries raise without one."""


def in_words(error: Exception, writing: bool = False) -> str:
    """Return the reason of an error and what to do: "the disk is full: free some space, or write elsewhere".

    Args:
        error: of the operating system; any other gives its own message, so that readers need not tell them apart.
        writing: whether something was to be written; otherwise it was to be read.
    """
    if not isinstance(error, OSError):
        return str(error)
    number = error.errno or KINDS.get(type(error), 0)
    number = errno.EACCES if number == errno.EPERM else number
    return (EITHER | (WRITING if writing else READING)).get(number) or error.strerror or str(error)
