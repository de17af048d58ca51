"""Errors of the network alone: its most probable phones against those of the text."""

from collections.abc import Sequence

import torch

from asr.training.examples import ExampleSet
from asr.training.network import Network


@torch.no_grad()
def phone_error(network: Network, examples: ExampleSet, at_most: int | None = None) -> float:
    """Edits a phone between what `network` hears and what is said in `examples` (`at_most` of them, evenly chosen)."""
    every = max(1, len(examples.examples) // at_most) if at_most else 1
    edits = phones = 0
    for example in examples.examples[::every]:
        log_probs = network(torch.from_numpy(examples.log_mel(example))[None])[0]
        edits += edit_distance(greedy(log_probs.argmax(dim=1).tolist()), example.labels)
        phones += len(example.labels)
    return edits / phones


def greedy(best: Sequence[int]) -> list[int]:
    """The labels of a CTC output by frame: repetitions merged, blanks (0) left out."""
    return [label for label, before in zip(best, [0, *best], strict=False) if label not in (0, before)]


def edit_distance(heard: Sequence[object], said: Sequence[object]) -> int:
    """Levenshtein distance between two sequences."""
    row = list(range(len(said) + 1))
    for number, item in enumerate(heard, start=1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(said, start=1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (item != other))
    return row[-1]
