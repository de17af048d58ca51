"""`teller asr …`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.errors import FAILED, CommandFailed
from app.cli.output import Json, emit, print_facts, print_table
from app.cli.rooms import ErrorsFile, InputFile, call, readable, writable

if TYPE_CHECKING:
    from core.settings import Settings

group = typer.Typer()

SoundFiles = Annotated[list[Path], typer.Argument(metavar="FILE…", resolve_path=True, help="The files to hear.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", resolve_path=True, help="Write a page with charts to this file.")
]
Transcripts = Annotated[
    list[Path] | None,
    typer.Option("--transcripts", resolve_path=True, help="Corrected transcripts: a text file or folder; repeatable."),
]
WordList = Annotated[Path | None, typer.Option("--words", resolve_path=True, help="The bank's own words, one a line.")]
DevManifest = Annotated[
    Path | None, typer.Option("--dev", resolve_path=True, help="Recordings to compare on: a speech manifest.")
]


@group.command()
def transcribe(files: SoundFiles, json: Json = False) -> int:
    """Write down what is said in each FILE (WAV, FLAC, Ogg, MP3)."""
    from asr.commands import transcribe as transcribe_files

    heard = call(transcribe_files, [readable(file) for file in files])
    failed = [row["error"] for row in heard if "error" in row]
    if failed and len(heard) == 1:
        raise CommandFailed(failed[0]["detail"], code=failed[0]["code"])
    emit(heard, json, _print_heard)
    return FAILED if failed else 0


@group.command("eval")
def evaluate(manifest: InputFile, errors: ErrorsFile = None, report: ReportFile = None, json: Json = False) -> None:
    """Measure recognition on the recordings of MANIFEST (TSV: path, transcript, further columns under a heading)."""
    from asr.commands import evaluate as evaluate_recordings

    places = [writable(path) if path else None for path in (errors, report)]
    emit(call(evaluate_recordings, readable(manifest), *places), json, _print_figures)


@group.command()
def adapt(
    transcripts: Transcripts = None,
    words: WordList = None,
    dev: DevManifest = None,
    back: Annotated[bool, typer.Option("--back", help="Use the model before the present one again.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Switch even when the new model is worse.")] = False,
    json: Json = False,
) -> int:
    """Teach recognition the present knowledge; new callers are heard with it at once, unless it is worse."""
    from asr.commands import adapt as adapt_language
    from asr.commands import adapt_back

    if back:
        emit(call(adapt_back), json, print_facts)
        return 0
    texts = [readable(path, folder=True) for path in transcripts or ()]
    files = [readable(path) if path else None for path in (words, dev)]
    result = call(adapt_language, call(_knowledge_texts), call(_comparison_texts), texts, *files, force)
    emit(result, json, print_facts)
    return 0 if result["switched"] else FAILED


@group.command()
def download(
    name: Annotated[str, typer.Argument(help="The published model, e.g. vosk-model-small-cn-0.22.")],
    sha256: Annotated[str, typer.Option("--sha256", help="What the archive's SHA-256 must be.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Fetch it even when it is there.")] = False,
    json: Json = False,
) -> None:
    """Fetch a published Vosk model."""
    from asr.commands import download as download_model

    emit(call(download_model, name, sha256, force), json, print_facts)


@group.command()
def status(json: Json = False) -> int:
    """Tell which model hears, and whether it is whole."""
    from asr.commands import status as speech_status

    found = call(speech_status)
    emit(found, json, print_facts)
    return 0 if found["ok"] else FAILED


def _knowledge_texts(settings: "Settings") -> list[str]:
    """All that customers and answers say: the articles in the database, and what the bot learns from."""
    from contextlib import closing

    from app.setup.places import PROJECT
    from asr.training.product_text import questions_and_utterances
    from core.database import Database
    from kb.repository import ArticleRepository

    with closing(Database(settings.resolved_database_url)) as database, database.reading() as session:
        articles = ArticleRepository(session).all()
    said = [text for article in articles for text in (*article.wordings, article.spoken, article.text)]
    return [*said, *questions_and_utterances(PROJECT)]


def _comparison_texts(_settings: "Settings") -> list[str]:
    """Customers' questions that recognition learns nothing from; the held-out set stays for measuring alone."""
    from kb.questions import CALIBRATION, read_questions

    return [question.text for question in read_questions(CALIBRATION)]


def _print_heard(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if len(rows) > 1:
            print(f"{row['path']}:")
        print(f"error: {row['error']['detail']}" if "error" in row else f"{row['text']}  ({row['confidence']:.2f})")


def _print_figures(figures: dict[str, Any]) -> None:
    tables = ("calibration", "by", "worst")
    print_facts({key: value for key, value in figures.items() if key not in tables})
    for column, groups in figures["by"].items():
        rows = [(name, row["n"], row["cer"]) for name, row in groups.items()]
        print_table((column, "n", "cer"), rows, right=("n", "cer"))
    rows = [(row["cer"], row["said"], row["heard"]) for row in figures["worst"]]
    print_table(("cer", "said", "heard"), rows, right=("cer",))
