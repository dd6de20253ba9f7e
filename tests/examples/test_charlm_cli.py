"""The command line: results, exit statuses, and one line for every error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.charlm import checkpoint
from examples.charlm.cli import main
from examples.charlm.text import Corpus
from examples.charlm.train import Settings, TrainingState, advance, start, train

ROOT = Path(__file__).parents[2]
TINY = ["--hidden", "8", "--streams", "4", "--steps", "8", "--updates", "20", "--verses", "1"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process and give its exit status."""
    monkeypatch.setattr(sys, "argv", ["charlm", *arguments])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.fixture
def text(tmp_path: Path, passage: str) -> str:
    """The passage in a file."""
    path = tmp_path / "passage.txt"
    path.write_text(passage, encoding="utf-8")
    return str(path)


def test_help_shows_an_example() -> None:
    """`python -m examples.charlm --help` runs from the root and shows how to use it."""
    command = [sys.executable, "-m", "examples.charlm", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Examples:\n    python -m examples.charlm\n" in done.stdout
    assert done.stderr == ""


def test_run_prints_and_writes_its_results(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
) -> None:
    """All models are scored, in plain text and in JSON, and the gradients hold."""
    file = tmp_path / "results.json"
    assert run(monkeypatch, "--text", text, *TINY, "--json", str(file)) == 0
    printed, progress = capsys.readouterr()
    assert "\x1b" not in printed + progress
    assert "gru: update 20 of 20" in progress
    assert "lstm, sampled at temperature 0.7:" in printed
    assert "gru: gradient at the trained point: 14 of 14 directions agree" in printed

    results = json.loads(file.read_text(encoding="utf-8"))
    assert results["schema_version"] == 1
    assert [ngram["context"] for ngram in results["ngrams"]] == [1, 2, 3, 4]
    assert [cell["settings"]["cell"] for cell in results["cells"]] == ["gru", "lstm"]
    for model in results["ngrams"] + results["cells"]:
        assert f"{model['bits_per_character']:.3f}" in printed
    for cell in results["cells"]:
        assert {check["verdict"] for check in cell["checks"]} == {"agrees"}
        assert len(cell["verses"]) == 1


def test_resumed_command_equals_the_uninterrupted_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    """A run continued by --resume leaves the same file, byte for byte, as one never stopped."""
    # A cell that is named twice is trained once.
    cell = ["--cell", "gru", "--cell", "gru"]
    command = ["--text", text, *cell, *TINY, "--checkpoint-every", "7", "--checkpoints"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(monkeypatch, *command, str(whole)) == 0

    corpus = Corpus.from_file(Path(text))
    settings = Settings(cell="gru", hidden=8, streams=4, steps=8, updates=20)
    for state, _ in train(settings, corpus, start(settings, corpus)):
        if state.update == 5:
            checkpoint.save(parts / "gru.ckpt.npz", settings, corpus, state)
            break
    assert run(monkeypatch, *command, str(parts), "--resume") == 0
    assert (parts / "gru.ckpt.npz").read_bytes() == (whole / "gru.ckpt.npz").read_bytes()


def test_interrupted_command_leaves_a_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
) -> None:
    """Ctrl-C writes the last whole state, says so and exits with the shell's status for it."""

    def interrupted(
        settings: Settings, corpus: Corpus, state: TrainingState
    ) -> tuple[TrainingState, float]:
        if state.update == 6:
            raise KeyboardInterrupt
        return advance(settings, corpus, state)

    monkeypatch.setattr("examples.charlm.train.advance", interrupted)
    folder = tmp_path / "runs"
    command = ["--text", text, "--cell", "lstm", *TINY, "--checkpoints", str(folder)]
    assert run(monkeypatch, *command) == 130
    assert "lstm: interrupted after update 6 of 20" in capsys.readouterr().err
    settings = Settings(cell="lstm", hidden=8, streams=4, steps=8, updates=20)
    state = checkpoint.load(folder / "lstm.ckpt.npz", settings, Corpus.from_file(Path(text)))
    assert state.update == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cell", "nonesuch"], "'nonesuch' is not one of 'gru', 'lstm'"),
        (["--warm-up", "0"], "--warm-up: expected at least 1, got 0"),
        (["--streams", "100000000"], "--streams: expected at most the "),
        (["--updates", "0"], "--updates: expected at least 1, got 0"),
        (["--rate", "nan"], "rate: expected a positive number, got nan"),
        (["--temperature", "0"], "0.0 is not in the range"),
        (["--nonesuch"], "nonesuch"),
        (["--text", "no/such/file"], "file: cannot read the text: No such file or directory"),
        (["--json", "no/such/folder/x.json"], "expected a file in an existing folder"),
        (["--resume"], "--resume: expected a checkpoint in the folder of --checkpoints"),
        (["--resume", "--checkpoints", "no/such/folder"], "got none in no/such/folder"),
    ],
)
def test_wrong_use_is_one_line_and_status_two(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Wrong use is one clear line on standard error, without a traceback."""
    assert run(monkeypatch, *arguments) == 2
    printed, error = capsys.readouterr()
    assert printed == ""
    assert message in error
    assert error.startswith("Error: ")
    assert error.count("\n") == 1


def test_corrupt_checkpoint_is_one_line_and_status_two(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
) -> None:
    """A damaged checkpoint is found before any training, and nothing is overwritten."""
    file = tmp_path / "lstm.ckpt.npz"
    file.write_bytes(b"not an archive")
    command = ["--text", text, *TINY, "--checkpoints", str(tmp_path)]
    assert run(monkeypatch, *command, "--resume") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "lstm.ckpt.npz: checkpoint: expected a whole .npz file without pickles" in error

    assert run(monkeypatch, *command) == 2
    assert "lstm.ckpt.npz: exists; --resume continues it" in capsys.readouterr().err
    assert file.read_bytes() == b"not an archive"
