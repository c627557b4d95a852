"""Locks: one process writes to a folder or a file at a time, also on disks that several machines share."""

import errno
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from msinet.errors import BusyError, FileError
from msinet.files.os_errors import in_words
from msinet.files.owner import Owner

LOCK = "msinet.lock"
"""Name of a folder's lock; that of a file is called as the file, with .lock."""

SIGN_OF_LIFE = 20.0
"""Seconds between two signs of life: the owner touches its lock."""

SILENCE = 180.0
"""Seconds without a sign of life after which an owner that cannot be seen from here counts as dead. A shared disk may show
times a minute late."""

NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EINVAL}
"""Numbers that disks without hard links answer with."""


@dataclass
class Held:
    """A lock that this process holds."""

    file: Path
    owner: Owner
    made: list[Path]
    """Folders that were made for it, the innermost first."""
    depth: int = 1
    """Number of pieces of work within each other that hold it."""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_own(self) -> bool:
        """Whether the lock still names this process; another machine may have thought it dead."""
        with suppress(OSError):
            return self.file.read_bytes() == self.owner.content()
        return False

    def live(self) -> None:
        """Give signs of life until the lock is given back."""
        while not self.ended.wait(SIGN_OF_LIFE):
            with suppress(OSError):
                if self.is_own:
                    os.utime(self.file)

    def give_back(self) -> None:
        """Remove the lock, and the folders that were made for it and are still empty."""
        self.ended.set()
        with suppress(OSError):
            if self.is_own:
                self.file.unlink()
            for folder in self.made:
                folder.rmdir()


_held: dict[Path, Held] = {}


@contextmanager
def sole_writer(place: Path, writes: bool = True, is_file: bool = False) -> Iterator[None]:
    """Be the only process that writes to a folder, or to a file.

    The lock is a file that names its owner. It is created only where there is none, which no two processes can do, on one
    machine or several. The owner gives signs of life by touching it, and the lock of a dead owner is taken over. Within the
    process that holds it, work may take it again.

    Args:
        place: the folder, created if needed, or the file.
        writes: False in all processes of a run but the first, which takes the lock for all.
        is_file: whether it is a file.

    Raises:
        BusyError: another process writes there.
        FileError: nothing can be written there.
    """
    if not writes:
        yield
        return
    file = _lock_of(place, is_file)
    held = _held.get(file)
    if held and held.owner.process == os.getpid():  # A fork does not own the locks of the process that it came from.
        held.depth += 1
    else:
        held = _held[file] = _take(file, place)
        threading.Thread(target=held.live, daemon=True, name=f"signs of life of {file}").start()
    try:
        yield
    finally:
        held.depth -= 1
        if not held.depth:
            del _held[file]
            held.give_back()


def require_still_own(folder: Path) -> None:
    """Raise a BusyError if this process took a folder's lock, and another one has taken it over since."""
    held = _held.get(_lock_of(folder))
    if held and held.owner.process == os.getpid() and not held.is_own:
        if not held.file.parent.exists():
            raise FileError(f"{folder.absolute()} has vanished: run the same again, or put it back first")
        raise BusyError(
            f"another run has taken over {folder.absolute()}, since this one gave no sign of life for minutes: "
            "wait until the other ends, then run the same again"
        )


def _lock_of(place: Path, is_file: bool = False) -> Path:
    """Return the lock's file, the same one whatever links lead to the folder."""
    folder, name = (place.parent, f"{place.name}.lock") if is_file else (place, LOCK)
    return Path(os.path.realpath(folder)) / name


def _take(file: Path, place: Path) -> Held:
    owner, made = Owner.this_process(), []
    try:
        made = _make(place if _kind(file) == "folder" else place.parent)
        while not _create(file, owner.content()):
            _remove_if_dead(file, place)
    except OSError as error:
        Held(file, owner, made).give_back()
        reason = in_words(error, writing=True).replace("write elsewhere", f"choose another {_kind(file)} for out")
        raise FileError(f"cannot write to {place.absolute()}: {reason}", "out") from error
    return Held(file, owner, made)


def _make(folder: Path) -> list[Path]:
    """Make a folder, and return those that were not there, the innermost first."""
    missing = []
    for one in (folder, *folder.parents):
        if one.exists():
            break
        missing.append(one)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _create(file: Path, content: bytes) -> bool:
    """Create a file with its whole content, unless it exists; return whether it was created.

    A hard link is the one step that is exclusive on shared disks of any age, and after which nobody reads half a file.
    """
    beside = _beside(file)
    try:
        beside.write_bytes(content)
        try:
            os.link(beside, file)
        except FileExistsError:
            return beside.stat().st_nlink == 2  # The first answer of a shared disk was lost, and it was asked again.
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return _create_without_link(file, content)
        return True
    finally:
        beside.unlink(missing_ok=True)


def _create_without_link(file: Path, content: bytes) -> bool:
    try:
        with file.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return False
    return True


def _remove_if_dead(file: Path, place: Path) -> None:
    """Remove the lock of a dead owner. Raises BusyError where the owner lives, or may live."""
    try:
        content = _content(file)
        if not _is_dead(file, content):
            raise BusyError(_busy(Owner.of(content), file, place), "out")
    except FileNotFoundError:  # It was given back meanwhile.
        return
    # Of several that find it dead one removes it, and only if it is still the dead one's.
    guard = file.with_name(f"{file.name}.taken-over")
    if not _create(guard, Owner.this_process().content()):
        with suppress(FileNotFoundError):
            if _is_dead(guard, _content(guard)):
                guard.unlink()
        time.sleep(0.05)
        return
    try:
        with suppress(FileNotFoundError):
            if _content(file) == content:
                file.unlink()
    finally:
        guard.unlink(missing_ok=True)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except PermissionError:  # Another user's: its signs of life can be seen all the same.
        return b""


def _is_dead(file: Path, content: bytes) -> bool:
    owner = Owner.of(content)
    runs = owner.runs() if owner else None
    if runs is not None:
        return not runs
    clock = _beside(file)  # The disk's own clock: another machine's may be wrong.
    try:
        clock.touch()
        return clock.stat().st_mtime - file.stat().st_mtime > SILENCE
    finally:
        clock.unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{secrets.token_hex(4)}")


def _busy(owner: Owner | None, file: Path, place: Path) -> str:
    kind = _kind(file)
    who = f" ({owner.in_words()})" if owner else ""
    message = f"another run{who} writes to {place.absolute()}: wait for it, or choose another {kind} for out"
    if owner and owner.runs():
        return message
    return f"{message}. If it is dead, the {kind} is free {SILENCE / 60:.0f} minutes after its last sign of life"


def _kind(file: Path) -> str:
    return "folder" if file.name == LOCK else "file"
