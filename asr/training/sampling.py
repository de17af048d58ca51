"""Which sentences are trained on: speakers balanced, real and synthetic speech mixed, batches of like length."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asr.training.examples import Example, ExampleSet

# A speaker with n sentences gives n ** BALANCE of them to a round: who said more counts for more, but not n times.
BALANCE = 0.75
BATCH_FRAMES = 3000  # padded frames a batch


@dataclass(frozen=True)
class Source:
    """Sets of examples of one kind, of which `share` of a round's sentences is drawn."""

    name: str
    sets: Sequence[ExampleSet]
    share: float


Drawn = tuple[ExampleSet, Example]


def draw_round(sources: Sequence[Source], rng: np.random.Generator) -> list[Drawn]:
    """The sentences of one round: of the first source speaker by speaker; the others fill up their shares."""
    available = [source for source in sources if any(part.examples for part in source.sets)]
    if not available:
        raise ValueError("there is nothing to train on")
    first, *rest = available
    drawn = _balanced(first, rng)
    for source in rest:
        drawn += _any(source, round(len(drawn) * source.share / first.share), rng)
    return drawn


def _balanced(source: Source, rng: np.random.Generator) -> list[Drawn]:
    by_speaker: dict[str, list[Drawn]] = defaultdict(list)
    for part in source.sets:
        for example in part.examples:
            by_speaker[example.speaker].append((part, example))
    drawn = []
    for sentences in by_speaker.values():
        distinct = len(sentences) / len(source.sets)  # each set holds another copy of the same sentences
        count = min(len(sentences), int(np.ceil(distinct**BALANCE)))
        drawn += [sentences[number] for number in rng.choice(len(sentences), count, replace=False)]
    return drawn


def _any(source: Source, count: int, rng: np.random.Generator) -> list[Drawn]:
    sentences = [(part, example) for part in source.sets for example in part.examples]
    chosen = rng.choice(len(sentences), count, replace=count > len(sentences))
    return [sentences[number] for number in chosen]


def batches(drawn: Sequence[Drawn], rng: np.random.Generator) -> Iterator[list[Drawn]]:
    """The sentences in batches of about BATCH_FRAMES, sentences of like length together, batches in random order."""
    ordered = sorted(drawn, key=lambda pair: pair[1].frames + rng.uniform(0, 40))
    groups: list[list[Drawn]] = [[]]
    for pair in ordered:
        if groups[-1] and (len(groups[-1]) + 1) * pair[1].frames > BATCH_FRAMES:
            groups.append([])
        groups[-1].append(pair)
    for number in rng.permutation(len(groups)):
        yield groups[number]
