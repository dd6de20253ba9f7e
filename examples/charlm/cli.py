"""The command line: train the cells, score them beside the baseline, sample, check, report."""

import sys
import time
from itertools import islice
from pathlib import Path

import click
import numpy as np
from rich.console import Console

from examples.charlm import checkpoint, ngram, scoring
from examples.charlm.errors import CharlmError, InputError, InterruptedRunError
from examples.charlm.gradient import Verdict, check_gradients, trained_point
from examples.charlm.model import CELLS
from examples.charlm.progress import progress
from examples.charlm.report import (
    CellResult,
    NGramResult,
    as_json,
    print_checks,
    print_scores,
    print_text,
    print_verses,
    write_json,
)
from examples.charlm.sampling import verses as sample_verses
from examples.charlm.text import Corpus
from examples.charlm.train import (
    Settings,
    TrainingState,
    character_model,
    generator_from,
    start,
    train,
)
from examples.charlm.trees import leaves

PROGRAM = "python -m examples.charlm"
GENESIS = Path(__file__).parent.parent / "genesis.txt"
CONTEXTS = (1, 2, 3, 4)

EPILOG = f"""
\b
Examples:
  {PROGRAM}
  {PROGRAM} --cell gru --updates 300 --verses 1
  {PROGRAM} --checkpoints runs --json results.json
  {PROGRAM} --checkpoints runs --resume
"""


@click.command(epilog=EPILOG, context_settings={"show_default": True, "max_content_width": 100})
@click.option(
    "--cell",
    "cells",
    type=click.Choice(tuple(CELLS)),
    multiple=True,
    default=tuple(CELLS),
    help="A cell to train; give it again for another.",
)
@click.option(
    "--text",
    type=click.Path(path_type=Path),
    default=GENESIS,
    show_default="Genesis",
    help="The text, in UTF-8; its last tenth is held out.",
)
@click.option("--updates", default=Settings.updates, help="Number of updates of the weights.")
@click.option("--hidden", default=Settings.hidden, help="Size of the hidden state.")
@click.option("--streams", default=Settings.streams, help="Places of the text read side by side.")
@click.option("--steps", default=Settings.steps, help="Characters that a gradient reaches back.")
@click.option("--rate", default=Settings.rate, help="Highest learning rate.")
@click.option("--warm-up", default=Settings.warm_up, help="Updates until the rate is highest.")
@click.option("--clip", default=Settings.clip, help="Longest gradient; longer ones are shortened.")
@click.option("--dropout", default=Settings.dropout, help="Share of the state the head misses.")
@click.option("--seed", default=Settings.seed, help="Seed of everything that is drawn.")
@click.option("--verses", type=click.IntRange(min=0), default=3, help="Verses to sample.")
@click.option(
    "--temperature",
    type=click.FloatRange(min=0.01, max=100),
    default=0.7,
    help="Temperature of the samples; 1 is the model's own distribution.",
)
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for a checkpoint of each cell.",
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(min=1),
    default=500,
    help="Updates between checkpoints.",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoints in the folder.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the results, with a schema version.",
)
def charlm(
    *,
    cells: tuple[str, ...],
    text: Path,
    updates: int,
    hidden: int,
    streams: int,
    steps: int,
    rate: float,
    warm_up: int,
    clip: float,
    dropout: float,
    seed: int,
    verses: int,
    temperature: float,
    checkpoints: Path | None,
    checkpoint_every: int,
    resume: bool,
    json_file: Path | None,
) -> int:
    """Train character language models on the generated cells and score them on held-out text.

    Beside them stand n-gram models that see one to four characters of context. After training, the
    gradient of the whole model is checked at the trained point.
    """
    if json_file is not None and not json_file.parent.is_dir():
        raise InputError(f"{json_file}: expected a file in an existing folder")
    corpus = Corpus.from_file(text)
    runs = [
        Settings(
            cell=cell,
            hidden=hidden,
            updates=updates,
            streams=streams,
            steps=steps,
            rate=rate,
            warm_up=warm_up,
            clip=clip,
            dropout=dropout,
            seed=seed,
        )
        for cell in dict.fromkeys(cells)
    ]
    # All checkpoints are read before any training: a bad one should not be found out later.
    files = [checkpoints and checkpoints / f"{settings.cell}.ckpt.npz" for settings in runs]
    states = first_states(runs, corpus, files, resume=resume)

    console = Console()
    baselines = [score_ngram(corpus, context) for context in CONTEXTS]
    results = []
    for settings, state, file in zip(runs, states, files, strict=True):
        begin = time.perf_counter()
        trained = train_to_end(settings, corpus, state, file, checkpoint_every)
        seconds = time.perf_counter() - begin
        results.append(examine(settings, corpus, trained, seconds, verses, temperature))

    print_text(console, corpus)
    print_scores(console, baselines, results)
    for result in results:
        print_verses(console, result, temperature)
    console.print()
    for result in results:
        print_checks(console, result)
    if json_file is not None:
        write_json(json_file, as_json(corpus, baselines, results, temperature))
    return int(any(result.count(Verdict.DISAGREES) for result in results))


def first_states(
    runs: list[Settings], corpus: Corpus, files: list[Path | None], *, resume: bool
) -> list[TrainingState]:
    """Where each run begins: at its checkpoint where it is resumed, at its start otherwise.

    Raises:
        InputError: there is nothing to resume, or a checkpoint that would be overwritten.
    """
    existing = [file for file in files if file is not None and file.exists()]
    if resume and not existing:
        where = f", got none in {files[0].parent}" if files[0] is not None else ""
        raise InputError(f"--resume: expected a checkpoint in the folder of --checkpoints{where}")
    if existing and not resume:
        raise InputError(f"{existing[0]}: exists; --resume continues it, another folder keeps it")
    return [
        checkpoint.load(file, settings, corpus)
        if file is not None and file in existing
        else start(settings, corpus)
        for settings, file in zip(runs, files, strict=True)
    ]


def train_to_end(
    settings: Settings, corpus: Corpus, state: TrainingState, file: Path | None, every: int
) -> TrainingState:
    """Train with progress on standard error and checkpoints in a file.

    Raises:
        InterruptedRunError: the user interrupted; the last whole state is in the checkpoint.
    """
    try:
        with progress(Console(stderr=True), settings, state.update) as report:
            for reached, loss in train(settings, corpus, state):
                state = reached
                report(state.update, loss)
                if file is not None and (
                    state.update % every == 0 or state.update == settings.updates
                ):
                    checkpoint.save(file, settings, corpus, state)
    except KeyboardInterrupt as error:
        where = "without --checkpoints it is lost"
        if file is not None:
            checkpoint.save(file, settings, corpus, state)
            where = f"{file} holds it, --resume continues"
        raise InterruptedRunError(
            f"{settings.cell}: interrupted after update {state.update}"
            f" of {settings.updates}; {where}"
        ) from error
    return state


def score_ngram(corpus: Corpus, context: int) -> NGramResult:
    """Fit an n-gram model and score it."""
    model = ngram.fit(corpus.training, corpus.vocabulary.size, context)
    bits = model.bits_per_character(corpus.ids, corpus.split)
    return NGramResult(context, model.strengths, bits)


def examine(
    settings: Settings,
    corpus: Corpus,
    state: TrainingState,
    seconds: float,
    verses: int,
    temperature: float,
) -> CellResult:
    """Score a trained cell, check its gradient and sample from it."""
    model = character_model(settings, corpus)
    point = trained_point(settings, corpus, state)
    sampled = sample_verses(
        model, state.weights, corpus.vocabulary, generator_from(state.generator), temperature
    )
    return CellResult(
        settings=settings,
        parameters=sum(array.size for array in leaves(state.weights)),
        bits_per_character=scoring.bits_per_character(model, state.weights, corpus),
        seconds=seconds,
        checks=check_gradients(point, point.gradients(), np.random.default_rng(settings.seed)),
        verses=tuple(islice(sampled, verses)),
    )


def one_line(message: str) -> str:
    """An error message as it is shown; some that come from libraries have several lines."""
    return f"Error: {' '.join(message.split())}"


def main() -> None:
    """Run the command; every error is one line on standard error and an exit status."""
    try:
        status = charlm.main(prog_name=PROGRAM, standalone_mode=False)
    except CharlmError as error:
        click.echo(one_line(str(error)), err=True)
        status = error.exit_status
    except click.ClickException as error:
        click.echo(one_line(f"{error.format_message()} See {PROGRAM} --help."), err=True)
        status = error.exit_code
    except click.Abort:
        click.echo(one_line("interrupted"), err=True)
        status = InterruptedRunError.exit_status
    except MemoryError as error:
        less = "smaller --hidden, --streams or --steps need less"
        click.echo(one_line(f"this needs more memory than there is: {error}; {less}"), err=True)
        status = InputError.exit_status
    sys.exit(status)
