"""Articles in and out of files: JSON lines, one article file, or a folder of them."""

import codecs
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from core.problems import InvalidInput
from kb.article_file import FileError, InvalidArticles, read_files, read_folder, write
from kb.schemas import ArticleIn

SHIPPED_ARTICLES = Path(__file__).parent / "articles"
LINE_SUFFIXES = (".jsonl", ".ndjson")


def read_articles(path: Path) -> list[ArticleIn]:
    """Every article of a `.jsonl` file, a `.md` file or a folder of those.

    Raises InvalidArticles with each bad line.
    """
    if path.is_dir():
        return read_folder(path)
    if not path.is_file():
        raise InvalidInput(f"no such file: {path}")
    if path.suffix == ".md":
        return read_files([path])
    if path.suffix in LINE_SUFFIXES:
        return _read_lines(path)
    raise InvalidInput(f"{path}: articles come as .jsonl, .md or a folder of .md files")


def _read_lines(path: Path) -> list[ArticleIn]:
    articles: list[ArticleIn] = []
    errors: list[FileError] = []
    lines_of: dict[str, int] = {}
    # Lines end with \n alone: the signs that `splitlines` also takes for line ends may stand inside JSON strings.
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line.decode())
            if isinstance(fields, dict):
                fields.pop("version", None)
            article = ArticleIn.model_validate(fields)
        except UnicodeDecodeError as error:
            errors.append(FileError(str(path), number, f"not UTF-8: {error.reason}"))
            continue
        except (json.JSONDecodeError, RecursionError) as error:
            errors.append(FileError(str(path), number, f"not JSON: {getattr(error, 'msg', 'nested too deeply')}"))
            continue
        except ValidationError as invalid:
            errors += [
                FileError(str(path), number, f"{'.'.join(map(str, e['loc']))}: {e['msg']}") for e in invalid.errors()
            ]
            continue
        if article.key in lines_of:
            errors.append(FileError(str(path), number, f"key {article.key} is already in line {lines_of[article.key]}"))
        lines_of.setdefault(article.key, number)
        articles.append(article)
    if errors:
        raise InvalidArticles(errors)
    if not articles:
        raise InvalidInput(f"{path} has no articles")
    return articles


def write_articles(articles: Sequence[ArticleIn], path: Path) -> None:
    """To JSON lines, or to a folder of article files when `path` is a folder or has no suffix.

    Raises InvalidInput when `path` can be neither.
    """
    if path.suffix and not path.is_dir():
        if path.suffix not in LINE_SUFFIXES or not path.parent.is_dir():
            raise InvalidInput(f"{path}: articles go to a .jsonl file in an existing folder, or to a folder")
        lines = (json.dumps(_fields(article), ensure_ascii=False) for article in articles)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return
    for article in articles:
        prefix, rest = article.key.split(".", 1)
        file = path / prefix / f"{rest}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(write(article), encoding="utf-8")


def _fields(article: ArticleIn) -> dict[str, object]:
    return article.model_dump(mode="json", include=set(ArticleIn.model_fields))
