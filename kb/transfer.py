"""Articles in and out of files: JSON lines, one article file, or a folder of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from core.problems import InvalidInput
from kb.article_file import FileError, InvalidArticles, read_files, read_folder, write
from kb.schemas import ArticleIn

SHIPPED_ARTICLES = Path(__file__).parent / "articles"


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
    if path.suffix in (".jsonl", ".ndjson"):
        return _read_lines(path)
    raise InvalidInput(f"{path}: articles come as .jsonl, .md or a folder of .md files")


def _read_lines(path: Path) -> list[ArticleIn]:
    articles: list[ArticleIn] = []
    errors: list[FileError] = []
    lines_of: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if isinstance(fields, dict):
                fields.pop("version", None)
            article = ArticleIn.model_validate(fields)
        except json.JSONDecodeError as error:
            errors.append(FileError(str(path), number, f"not JSON: {error.msg}"))
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
    """To JSON lines, or to a folder of article files when `path` is a folder or has no suffix."""
    if path.suffix:
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
