"""Articles as files: YAML front matter between ``---`` lines, then the Markdown answer. Errors name file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from core.problems import InvalidInput
from kb.schemas import ArticleIn

FENCE = "---"
FIELD_ORDER = ["key", "category", "question", "extended", "spoken", "tags", "related", "channels", "source",
               "valid_from", "valid_to"]  # fmt: skip


@dataclass(frozen=True)
class FileError:
    path: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


class InvalidArticles(InvalidInput):
    """Some articles cannot be taken; nothing was loaded."""

    code = "invalid_articles"
    title = "知识文件有误，未导入任何内容"

    def __init__(self, errors: Sequence[FileError]) -> None:
        super().__init__("\n".join(str(error) for error in errors), errors=[str(error) for error in errors])


class _Loader(yaml.SafeLoader):
    """Leaves dates as text, so that a wrong one is refused with its line like any other wrong value."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Dumper(yaml.SafeDumper):
    pass


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes Unicode's own line ends as they are, and would read them as spaces.
    style = '"' if any(sign in text for sign in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent)


def read_folder(folder: Path) -> list[ArticleIn]:
    """Every `*.md` below `folder`. Raises InvalidArticles with all errors of all files."""
    paths = sorted(folder.rglob("*.md"))
    if not paths:
        raise InvalidArticles([FileError(str(folder), 0, "no article files (*.md) here")])
    return read_files(paths)


def read_files(paths: Sequence[Path]) -> list[ArticleIn]:
    """These article files. Raises InvalidArticles with all errors of all files."""
    articles: list[ArticleIn] = []
    errors: list[FileError] = []
    seen: dict[str, Path] = {}
    for path in paths:
        try:
            article = parse(path.read_text(encoding="utf-8-sig"), str(path))
        except InvalidArticle as invalid:
            errors.extend(invalid.errors)
            continue
        except (UnicodeDecodeError, OSError) as error:
            errors.append(FileError(str(path), 1, f"cannot be read: {error}"))
            continue
        if article.key in seen:
            errors.append(FileError(str(path), 2, f"key {article.key} is already in {seen[article.key]}"))
        seen.setdefault(article.key, path)
        articles.append(article)
    if errors:
        raise InvalidArticles(errors)
    return articles


class InvalidArticle(ValueError):
    def __init__(self, errors: list[FileError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def parse(content: str, path: str) -> ArticleIn:
    """One file's content to an article. Raises InvalidArticle with a line for each error."""
    lines = content.replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() != FENCE or FENCE not in (line.strip() for line in lines[1:]):
        raise InvalidArticle([FileError(path, 1, "the file must begin with front matter between two lines of ---")])
    end = next(number for number, line in enumerate(lines[1:], 1) if line.strip() == FENCE)
    fields, field_lines = _front_matter("\n".join(lines[1:end]), path)
    fields.pop("version", None)  # files are a first load; versions begin and grow in the database
    fields["text"] = "\n".join(lines[end + 1 :])
    field_lines["text"] = end + 2
    try:
        return ArticleIn.model_validate(fields)
    except ValidationError as invalid:
        errors = [_located(error, field_lines, path) for error in invalid.errors()]
        raise InvalidArticle(errors) from None


def _front_matter(text: str, path: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The fields, and the line of the file where each stands (`extended.3` for items of lists)."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        fields = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidArticle([_yaml_error(error, text, path)]) from None
    if not isinstance(fields, dict) or not isinstance(node, yaml.MappingNode):
        raise InvalidArticle([FileError(path, 2, "the front matter must be `field: value` lines")])
    lines: dict[str, int] = {}
    repeated = []
    for key, value in node.value:
        line = key.start_mark.line + 2
        if key.value in lines:
            repeated.append(FileError(path, line, f"{key.value}: already given in line {lines[key.value]}"))
        lines[key.value] = line
        if isinstance(value, yaml.SequenceNode):
            lines.update({f"{key.value}.{i}": item.start_mark.line + 2 for i, item in enumerate(value.value)})
    if repeated:
        raise InvalidArticle(repeated)
    return fields, lines


def _yaml_error(error: Exception, text: str, path: str) -> FileError:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 2
        return FileError(path, line, f"not valid YAML: {error.reason}: {error.character!r}")
    mark = getattr(error, "problem_mark", None)
    return FileError(path, mark.line + 2 if mark else 2, f"not valid YAML: {getattr(error, 'problem', error)}")


def _located(error: Any, field_lines: dict[str, int], path: str) -> FileError:
    location = ".".join(str(part) for part in error["loc"])
    line = field_lines.get(location) or field_lines.get(location.split(".")[0]) or 1
    return FileError(path, line, f"{location or 'article'}: {error['msg']}")


def write(article: ArticleIn) -> str:
    """An article to the content of its file."""
    fields = article.model_dump(mode="python", include=set(FIELD_ORDER))
    front = yaml.dump(
        {name: fields[name] for name in FIELD_ORDER}, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000
    )
    return f"{FENCE}\n{front}{FENCE}\n{article.text}\n"
