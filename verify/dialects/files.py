"""Weights in files: what is read is data, and nothing in it is ever run.

`.npz` without pickles, `.safetensors`, PyTorch's `.pt` and `.pth` with weights alone, Keras's `.h5`
by the paths of its datasets, and the recurrent nodes of an `.onnx` model. `.npz`, `.safetensors`,
`.pt`, `.onnx` and C arrays in a `.h` can be written.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from equations.generate.files import write
from verify.dialects import onnx_nodes, shapes
from verify.dialects.arrays import flattened
from verify.dialects.layout import Array, DialectError
from verify.dialects.record import Dialect
from verify.extras import extra


@dataclass(frozen=True)
class Weights:
    """What a file holds.

    Attributes:
        arrays: by name.
        options: what the file says of the function, such as attributes of an ONNX node.
        backwards: whether it says that the sequence is read backwards in time.
    """

    arrays: dict[str, Array]
    options: Mapping[str, Any] = field(default_factory=dict)
    backwards: bool = False


def read(path: Path, node: str = "") -> Weights:
    """The arrays in a file.

    Args:
        path: the file; its suffix says what it is.
        node: the name of a node of an ONNX model, where it has several that are recurrent.

    Raises:
        DialectError: the file is not what its suffix says, is truncated, or needs an extra.
        OSError: the file cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".onnx":
        return Weights(*onnx_nodes.read(path, node))
    if path.suffix not in READERS:
        raise DialectError(
            f"{path}: expected a file that ends in {', '.join([*READERS, '.onnx'])}; "
            f"got {path.suffix or 'no suffix'!r}"
        )
    try:
        arrays = READERS[path.suffix](path)
    except (OSError, DialectError):
        raise
    except Exception as error:  # whatever a reader of another project raises at a broken file
        reason = " ".join(str(error).split()).split(". ")[0][:160] or type(error).__name__
        raise DialectError(f"{path}: not a readable {path.suffix} file: {reason}") from error
    if not arrays:
        raise DialectError(f"{path}: holds no arrays")
    return Weights(arrays)


def save(path: Path, arrays: Mapping[str, Array], record: Dialect) -> None:
    """Write arrays in one step, so that no file is left half written.

    Args:
        path: the file; its suffix says as what.
        arrays: by name.
        record: the dialect they are in.

    Raises:
        DialectError: nothing can be written with that suffix, or it needs an extra.
        OSError: the folder does not exist or cannot be written to.
    """
    if path.suffix not in WRITERS:
        raise DialectError(
            f"{path}: expected a file that ends in {', '.join(WRITERS)}; "
            f"got {path.suffix or 'no suffix'!r}"
        )
    write(path, WRITERS[path.suffix](arrays, record))


def check_finite(path: Path, arrays: Mapping[str, Array]) -> None:
    """Refuse NaN and infinity.

    Raises:
        DialectError: an array has one; the message says where.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            index = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
            place = ", ".join(map(str, index))
            raise DialectError(f"{path}: {name}[{place}]: expected a number, got {array[index]}")


def chosen(weights: Weights, record: Dialect, prefix: str = "") -> dict[str, Array] | list[Array]:
    """The arrays of one cell among all those of a model, under the record's names or in its order.

    Args:
        weights: what the file holds.
        record: the dialect.
        prefix: what the names of the cell's arrays begin with; found where there is only one.

    Raises:
        DialectError: no array begins with it, or there are several cells to choose from.
    """
    arrays = weights.arrays
    if prefix:
        arrays = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        if not arrays:
            some = ", ".join(list(weights.arrays)[:6])
            raise DialectError(f"no array begins with {prefix!r}; the file has {some}")
    found = prefixes(arrays, record)
    if len(found) > 1:
        raise DialectError(
            f"{record.name}: the file holds several cells; choose with --prefix one of "
            f"{', '.join(repr(prefix + own) for own in found)}"
        )
    if found:
        (own,) = found
        arrays = {k.removeprefix(own): v for k, v in arrays.items() if k.startswith(own)}
        if all(_number(name) is not None for name in arrays):
            return [arrays[name] for name in sorted(arrays, key=lambda name: _number(name) or 0)]
        if own:
            arrays = {k: v for k, v in arrays.items() if record.place_of(k) is not None}
    return arrays


def prefixes(arrays: Mapping[str, Array], record: Dialect) -> list[str]:
    """What precedes the names of a cell, for every cell that has all arrays it needs."""
    starts = {
        name[:cut]
        for name in arrays
        for cut in range(len(name))
        if (not cut or name[cut - 1] in "./:")
        and (record.place_of(name[cut:]) is not None or _number(name[cut:]) is not None)
    }
    wanted = {name for name in record.layouts if name not in record.optional}
    whole = []
    for start in sorted(starts):
        own = {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
        found = {place[0] for name in own if (place := record.place_of(name)) is not None}
        if found >= wanted or _fits_by_number(own, record):
            whole.append(start)
    return whole


def _fits_by_number(arrays: Mapping[str, Array], record: Dialect) -> bool:
    """Whether arrays without names are those of the record, in its order."""
    if any(_number(name) is None for name in arrays):
        return False
    ordered = [arrays[name] for name in sorted(arrays, key=lambda name: _number(name) or 0)]
    least = len(record.layouts) - len(record.optional)
    if not least <= len(ordered) <= len(record.layouts):
        return False
    pairs = zip(record.layouts.items(), ordered, strict=False)
    return shapes.fits(
        record.layouts, {name: array.shape[layout.lead :] for (name, layout), array in pairs}
    )


def _number(name: str) -> int | None:
    """The position of an array that has no name: `arr_0` of NumPy, `0` of Keras."""
    digits = name.removeprefix("arr_")
    return int(digits) if digits.isdecimal() else None


def _read_npz(path: Path) -> dict[str, Array]:
    if not zipfile.is_zipfile(path):
        raise DialectError(f"{path}: not a readable .npz file: it is no zip archive, or truncated")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_safetensors(path: Path) -> dict[str, Array]:
    loaded: dict[str, Array] = extra("safetensors.numpy").load_file(path)
    return loaded


def _read_torch(path: Path) -> dict[str, Array]:
    torch = extra("torch")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pickle, which is refused
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DialectError(
            f"{path}: not a readable .pt file: expected weights alone, as they are written by "
            "torch.save(module.state_dict(), ...); no other pickle is loaded"
        ) from error
    # A checkpoint has a state_dict among other things.
    tree = flattened(state) if isinstance(state, Mapping) else {}
    tensors = {name: value for name, value in tree.items() if torch.is_tensor(value)}
    if not tensors:
        raise DialectError(f"{path}: expected a state_dict of tensors, got {type(state).__name__}")
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def _read_h5(path: Path) -> dict[str, Array]:
    h5py = extra("h5py")
    arrays: dict[str, Array] = {}

    def visit(name: str, item: Any) -> None:  # noqa: ANN401 - a group or a dataset
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            if item.external or item.is_virtual:
                raise DialectError(f"{path}: {name} is stored in another file")
            arrays[name] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        reason = " ".join(str(error).split())
        raise DialectError(f"{path}: not a readable .h5 file: {reason}") from error
    return arrays


def _write_npz(arrays: Mapping[str, Array], _record: Dialect) -> bytes:
    # As np.savez, but with a fixed date, so that equal arrays are equal files.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return buffer.getvalue()


def _write_safetensors(arrays: Mapping[str, Array], _record: Dialect) -> bytes:
    saved: bytes = extra("safetensors.numpy").save(dict(arrays))
    return saved


def _write_torch(arrays: Mapping[str, Array], _record: Dialect) -> bytes:
    torch: ModuleType = extra("torch")
    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, buffer)
    return buffer.getvalue()


def _write_c(arrays: Mapping[str, Array], record: Dialect) -> bytes:
    """Row-major constants that a C compiler reads back to the last bit."""
    lines = [f"/* {record.name}, written by gateproof convert. Row-major. */"]
    for name, array in arrays.items():
        kind, suffix, digits = (
            ("float", "f", 9) if array.dtype == np.float32 else ("double", "", 17)
        )
        shape = "".join(f"[{n}]" for n in array.shape)
        own = "".join(letter if letter.isalnum() else "_" for letter in name)
        lines += ["", f"static const {kind} {own}{shape} = {_braced(array, digits, suffix)};"]
    return ("\n".join(lines) + "\n").encode()


def _braced(array: Array, digits: int, suffix: str) -> str:
    if array.ndim == 1:
        return "{" + ", ".join(f"{x:.{digits - 1}e}{suffix}" for x in array.tolist()) + "}"
    return "{\n" + ",\n".join(_braced(row, digits, suffix) for row in array) + "\n}"


READERS: Mapping[str, Callable[[Path], dict[str, Array]]] = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".h5": _read_h5,
}
WRITERS: Mapping[str, Callable[[Mapping[str, Array], Dialect], bytes]] = {
    ".npz": _write_npz,
    ".safetensors": _write_safetensors,
    ".pt": _write_torch,
    ".onnx": onnx_nodes.model,
    ".h": _write_c,
}
