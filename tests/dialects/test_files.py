"""Files are data: what is read, what is refused in one line, and what is written."""

from __future__ import annotations

import io
import pickle
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_records import bits, random_params

import verify
from verify.cli import run
from verify.dialects import files
from verify.dialects.convert import convert
from verify.dialects.layout import DialectError

KERAS = "keras.GRU"


@pytest.fixture
def arrays() -> dict[str, Any]:
    """The arrays of a Keras GRU."""
    record = verify.dialects[KERAS]
    return record.pack(random_params(record, np.float32))


def torch_arrays() -> dict[str, Any]:
    """The arrays of a PyTorch GRU."""
    record = verify.dialects["torch.GRU"]
    return record.pack(random_params(record, np.float32))


@pytest.mark.parametrize(("suffix", "needs"), [(".npz", "numpy"), (".safetensors", "safetensors")])
def test_what_is_written_is_read_again(
    suffix: str, needs: str, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    """Bit for bit, and the same bytes every time."""
    pytest.importorskip(needs)
    path, other = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for where in (path, other):
        files.save(where, arrays, verify.dialects[KERAS])
    assert path.read_bytes() == other.read_bytes()
    read = files.read(path).arrays
    assert {k: bits(v) for k, v in read.items()} == {k: bits(v) for k, v in arrays.items()}


def test_a_state_dict_is_read_with_weights_alone(tmp_path: Path) -> None:
    """What PyTorch saves of a model, in which the GRU has a prefix that is found."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    model = torch.nn.ModuleDict({"rnn": torch.nn.GRU(3, 4), "out": torch.nn.Linear(4, 2)})
    torch.save(model.state_dict(), tmp_path / "model.pt")
    record = verify.dialects["torch.GRU"]
    found = files.chosen(files.read(tmp_path / "model.pt"), record)
    assert set(found) == set(record.array_names())
    torch.save(model, tmp_path / "whole.pt")
    with pytest.raises(DialectError, match=r"whole.pt: not a readable .pt file"):
        files.read(tmp_path / "whole.pt")


class Trap:
    """A pickle that would run something."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave a file behind."""
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_no_pickle_is_loaded(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle in a file is refused and not run."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"evil{suffix}"
    if suffix == ".npz":
        np.savez(path, kernel=np.array([Trap()], dtype=object))
    else:
        torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
        torch.save({"weight_ih_l0": Trap()}, path)
    with pytest.raises(DialectError, match="not a readable"):
        files.read(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DialectError, match="not a readable"):
        files.read(path)
    assert not (tmp_path / "trapped").exists()


def test_the_weights_of_a_checkpoint_are_found(tmp_path: Path) -> None:
    """Beside the number of an epoch; a module that was saved whole says what to save instead."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    module, path = torch.nn.GRU(3, 4), tmp_path / "checkpoint.pt"
    torch.save({"epoch": 3, "model": module.state_dict()}, path)
    record = verify.dialects["torch.GRU"]
    found = files.chosen(files.read(path), record)
    assert {*found} == {*module.state_dict()}
    torch.save(module, path)
    with pytest.raises(DialectError, match="no other pickle is loaded"):
        files.read(path)


@pytest.mark.parametrize(
    ("suffix", "needs"),
    [
        (".npz", "numpy"),
        (".safetensors", "safetensors"),
        (".pt", "torch"),
        (".h5", "h5py"),
        (".onnx", "onnx"),
    ],
)
@pytest.mark.parametrize(
    "content", [b"", b"no weights", b"PK\x03\x04 cut off", b"\x89HDF\r\n\x1a\n"]
)
def test_a_file_that_is_not_one_is_one_line(
    suffix: str, needs: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, text, or the beginning of another format; and nothing is written."""
    pytest.importorskip(needs)
    path = tmp_path / f"wrong{suffix}"
    path.write_bytes(content)
    out = tmp_path / "out.npz"
    assert run(["convert", "--from", "onnx.GRU", "--to", KERAS, str(path), str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(path) in error
    assert "Traceback" not in error
    assert not out.exists()


@pytest.mark.parametrize(("suffix", "needs"), [(".npz", "numpy"), (".safetensors", "safetensors")])
def test_a_truncated_file_is_one_line(
    suffix: str, needs: str, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    """Half of it."""
    pytest.importorskip(needs, reason=f'needs pip install "gateproof[{needs}]"')
    path = tmp_path / f"half{suffix}"
    files.save(path, arrays, verify.dialects[KERAS])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DialectError, match=re.escape(str(path))):
        files.read(path)


def onnx_model(tmp_path: Path, **attributes: Any) -> Path:  # noqa: ANN401
    """A model of one GRU, with more attributes."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    record = verify.dialects["onnx.GRU[linear_before_reset=1]"]
    path = tmp_path / "gru.onnx"
    files.save(path, record.pack(random_params(record, np.float32)), record)
    model = onnx.load(path)
    for name, value in attributes.items():
        model.graph.node[0].attribute.append(onnx.helper.make_attribute(name, value))
    onnx.save(model, path)
    return path


def test_a_node_that_runs_backwards_is_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its weights are those of a step; the direction is what else their user has to know."""
    path, out = onnx_model(tmp_path, direction="reverse"), tmp_path / "out.npz"
    assert run(["convert", "--from", "onnx.GRU", "--to", "torch.GRU", str(path), str(out)]) == 0
    assert "is read backwards in time" in capsys.readouterr().out
    assert not files.read(onnx_model(tmp_path)).backwards


def test_a_conversion_says_what_else_one_must_know() -> None:
    """The notes of both dialects: a clip that the equations do not have is not passed over."""
    source = verify.dialects["coreml.LSTM"]
    params = source.module.init(np.random.default_rng(0), n_x=3, n_h=4)
    assert "c to ±50" in str(convert(source.pack(params), source, "coreml.mil.lstm"))


def test_an_onnx_model_says_which_variant_it_is(tmp_path: Path) -> None:
    """Its attributes choose, and one that no record has is refused."""
    weights = files.read(onnx_model(tmp_path))
    assert weights.options == {"linear_before_reset": 1}
    out = tmp_path / "out.npz"
    path = onnx_model(tmp_path, clip=3.0)
    assert files.read(path).options["clip"] == 3.0
    assert run(["convert", "--from", "onnx.GRU", "--to", "torch.GRU", str(path), str(out)]) == 2
    assert not out.exists()


@pytest.mark.parametrize(
    "place", ["../outside.bin", "/etc/hostname", "link.bin", "nothing.bin", "inside.bin\0"]
)
def test_external_data_stays_in_the_folder_of_the_model(place: str, tmp_path: Path) -> None:
    """A path that leads out, an absolute one, a link that leads out, a name that no file has."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    folder = tmp_path / "model"
    folder.mkdir()
    path = onnx_model(folder)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="inside.bin", size_threshold=0)
    assert files.read(path).arrays["W"].shape == (1, 12, 3)
    shutil.copy(folder / "inside.bin", tmp_path / "outside.bin")
    (folder / "link.bin").symlink_to(tmp_path / "outside.bin")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = place
    path.write_bytes(model.SerializeToString())
    with pytest.raises(DialectError, match="a file of the model's own folder"):
        files.read(path)


def test_a_number_that_is_none_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    """With its place."""
    arrays["bias"][1, 2] = np.nan
    with pytest.raises(DialectError, match=r"w.npz: bias\[1, 2\]: expected a number, got nan"):
        files.check_finite(tmp_path / "w.npz", arrays)


def test_the_weights_of_a_keras_model_are_found_by_their_shapes(tmp_path: Path) -> None:
    """Keras numbers its arrays; a list of get_weights has numbers too."""
    h5py = pytest.importorskip("h5py", reason='needs pip install "gateproof[keras]"')
    record = verify.dialects[KERAS]
    packed = record.pack(random_params(record, np.float32))
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        for k, array in enumerate(packed.values()):
            file[f"layers/gru/cell/vars/{k}"] = array
        file["layers/dense/vars/0"] = np.zeros((4, 1), np.float32)
        file["layers/dense/vars/1"] = np.zeros(1, np.float32)
    np.savez(tmp_path / "list.npz", *packed.values())
    for name in ("m.weights.h5", "list.npz"):
        found = files.chosen(files.read(tmp_path / name), record)
        assert [bits(array) for array in found] == [bits(array) for array in packed.values()]


def test_several_cells_in_a_file_are_to_be_chosen_from(tmp_path: Path) -> None:
    """The message has the prefixes; with one of them it works."""
    both = {f"{p}.{k}": v for p in ("a", "b") for k, v in torch_arrays().items()}
    np.savez(tmp_path / "two.npz", **both)
    weights, record = files.read(tmp_path / "two.npz"), verify.dialects["torch.GRU"]
    with pytest.raises(DialectError, match=r"choose with --prefix one of 'a\.', 'b\.'"):
        files.chosen(weights, record)
    assert set(files.chosen(weights, record, "b.")) == set(record.array_names())
    with pytest.raises(DialectError, match="no array begins with 'c'"):
        files.chosen(weights, record, "c")


def test_c_arrays_are_read_back_by_a_compiler_to_the_last_bit(tmp_path: Path) -> None:
    """Both types."""
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    record = verify.dialects["gateproof.gru_keep"]
    for dtype in (np.float32, np.float64):
        packed = record.pack(random_params(record, dtype))
        files.save(tmp_path / "w.h", packed, record)
        writes = "\n".join(f"fwrite({k}, 1, sizeof {k}, stdout);" for k in packed)
        text = f'#include <stdio.h>\n#include "w.h"\nint main(void) {{ {writes} return 0; }}\n'
        (tmp_path / "w.c").write_text(text)
        subprocess.run([compiler, "-o", tmp_path / "w", tmp_path / "w.c"], check=True)
        out = subprocess.run([tmp_path / "w"], check=True, capture_output=True).stdout
        assert out == b"".join(bits(array) for array in packed.values())


def test_the_command_converts_and_says_what_it_did(
    tmp_path: Path, arrays: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """From Keras to PyTorch."""
    np.savez(tmp_path / "in.npz", **arrays)
    out = tmp_path / "out.npz"
    status = run(
        ["convert", "--from", KERAS, "--to", "torch.GRU", str(tmp_path / "in.npz"), str(out)]
    )
    assert status == 0
    assert "added up: b_u, b_r: bias (2 places)" in capsys.readouterr().out
    read = verify.dialects["torch.GRU"].unpack(files.read(out).arrays)
    true = verify.dialects[KERAS].unpack(arrays)
    assert all(bits(a) == bits(b) for a, b in zip(read, true, strict=True))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "torch.GRUX", "--to", KERAS, "a.npz", "b.npz"), "did you mean torch.GRU"),
        (("--from", KERAS, "--to", KERAS, "nothing.npz", "b.npz"), "nothing.npz: no such file"),
        (("--from", KERAS, "--to", KERAS, "in.npz", "none/b.npz"), "none: no such folder"),
        (("--from", KERAS, "--to", KERAS, "in.npz", "b.txt"), "b.txt: expected a file that ends"),
        (("--from", KERAS, "--to", "haiku.GRU", "in.npz", "b.npz"), "no exact conversion"),
        (("--from", "torch.GRU", "--to", KERAS, "in.npz", "b.npz"), "weight_ih_l0 is missing"),
        (("--from", KERAS, "--to", "torch.GRU", "in.npz", "b.onnx"), "for a dialect of onnx"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    arrays: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With exit status 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    np.savez("in.npz", **arrays)
    assert run(["convert", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


def test_an_archive_is_not_unpacked_beside_itself(tmp_path: Path) -> None:
    """A name in an archive that leads out of it is only a name."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3, np.float32))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("../kernel.npy", buffer.getvalue())
    files.read(tmp_path / "a.npz")
    assert not (tmp_path.parent / "kernel.npy").exists()
