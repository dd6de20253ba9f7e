"""Generated files on disk: written whole or not at all, and compared with what they should be."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

GENERATED = Path(__file__).resolve().parent.parent / "generated"


def write(path: Path, text: str | bytes) -> None:
    """Replace a file in one step, so that nobody sees it half written.

    What a link points to is replaced, and a device or a pipe is written to.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(name, 0o644)  # noqa: PTH101 - mkstemp makes a private file
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise


def differences(folder: Path, texts: dict[str, str], own: str = "") -> list[str]:
    """What is missing, stale or left over in a folder, one sentence each.

    Args:
        folder: where the files should be.
        texts: the file names and what they should hold.
        own: a pattern such as `*.py`; any further file of that kind is one too many.
    """
    found = []
    for name, text in sorted(texts.items()):
        path = folder / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{path} is not current")
    if own:
        extra = sorted({p.name for p in folder.glob(own)} - set(texts) - {"__init__.py"})
        found += [f"{folder / name} belongs to no definition" for name in extra]
    return found
