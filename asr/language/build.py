"""Build the language part of a recogniser from texts: vocabulary, lexicon, word sequences, decoding graph.

python -m asr.language.build FOLDER WEIGHT=FILE …

Each file has a sentence a line; FOLDER becomes a model's `graph` folder.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.language.graph import write_graph
from asr.language.lexicon import UNKNOWN, choose_words, make_lexicon
from asr.language.ngram import TrigramModel, Vocabulary, estimate, interpolate, prior_of
from asr.language.segment import general_frequencies, words_of
from asr.language.text import spoken_form

Weighted = tuple[float, str]


@dataclass(frozen=True)
class Text:
    """Sentences of one kind in spoken form, and how much the language model listens to them against the others."""

    weight: float
    sentences: Sequence[str]


@dataclass(frozen=True)
class Breadth:
    """How much the language part holds. More of everything hears more and takes more room."""

    general_words: int = 8000
    least_word: int = 2
    least_trigram: float = 1.0
    prune_below: float = 1e-9


def read_sentences(path: Path) -> list[str]:
    """The sentences of a text file, one a line, in spoken form."""
    spoken = (spoken_form(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [sentence for sentence in spoken if sentence]


def build_language(texts: Sequence[Text], folder: Path, breadth: Breadth = Breadth()) -> None:
    """Write the graph of a recogniser that knows how the sentences of `texts` go to `folder`."""
    model, words = estimate_language(texts, breadth)
    with tempfile.TemporaryDirectory() as scratch:
        arpa = Path(scratch, "language.arpa")
        model.write_arpa(arpa)
        write_graph(folder, [UNKNOWN, *words], make_lexicon(words), arpa)


def estimate_language(texts: Sequence[Text], breadth: Breadth) -> tuple[TrigramModel, list[str]]:
    """The language model of all texts, each with its weight, and its vocabulary."""
    divided = [[words_of(sentence) for sentence in text.sentences] for text in texts]
    counts = Counter(word for sentences in divided for sentence in sentences for word in sentence)
    general = general_frequencies()
    words = choose_words(counts, general, breadth.least_word, breadth.general_words)
    known, vocabulary = set(words), Vocabulary(words)
    prior = prior_of(vocabulary, general)
    models = [
        estimate(vocabulary, [in_known_words(one, known) for one in sentences], prior, 1.0, breadth.least_trigram)
        for sentences in divided
    ]
    total = sum(text.weight for text in texts)
    mixed = interpolate(models, [text.weight / total for text in texts])
    return mixed.pruned(breadth.prune_below), words


def in_known_words(sentence: Sequence[str], known: set[str]) -> list[str]:
    """Words that are too rare for the vocabulary in single characters."""
    return [part for word in sentence for part in ([word] if word in known else word)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("texts", nargs="+", metavar="WEIGHT=FILE")
    parser.add_argument("--prune-below", type=float, default=Breadth.prune_below)
    options = parser.parse_args()
    began = time.monotonic()
    pairs = [text.partition("=") for text in options.texts]
    texts = [Text(float(weight), read_sentences(Path(file))) for weight, _, file in pairs]
    build_language(texts, options.folder, Breadth(prune_below=options.prune_below))
    print(f"built in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
