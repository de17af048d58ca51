"""The acoustic network: log mel energies to log probabilities of phones, in layers that Kaldi's nnet3 can run.

After two convolutions, the second of which keeps every third frame, come factorised time-delay layers (Povey et al.
2018): three neighbouring frames go through a narrow linear layer and a wide one with ReLU, added to what came in.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.language.phones import PHONES
from asr.training.examples import SUBSAMPLING
from asr.training.features import MEL_BINS

Splices = tuple[tuple[int, ...], ...]
# A network of the first layers alone learns as much at half the cost while it knows little; the others come later.
SHALLOW: Splices = ((-1, 0, 1), (-1, 0, 1), (-2, 0, 2), (-2, 0, 1))
DEEPER: Splices = ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1), (-2, 0, 1), (-2, 0, 1))
# A new layer says so little at first that the network's answers stay what they were. (Zero would learn nothing.)
NEW_LAYER_SCALE = 0.05


@dataclass(frozen=True)
class Shape:
    """The sizes of a network. `splices` lists the frames, in steps of 30 ms, that each factorised layer looks at."""

    front: int = 128
    width: int = 384
    narrow: int = 128
    splices: Splices = SHALLOW + DEEPER

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Shape":
        return cls(**{**stored, "splices": tuple(tuple(splice) for splice in stored["splices"])})

    def stored(self) -> dict[str, Any]:
        return asdict(self)


class Spliced(nn.Module):
    """An affine layer on neighbouring frames: [batch, frames, width] to [batch, frames - span, out]."""

    def __init__(self, width: int, out: int, splice: tuple[int, ...], stride: int = 1, bias: bool = False) -> None:
        super().__init__()
        self.splice, self.stride = splice, stride
        self.affine = nn.Linear(width * len(splice), out, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        # One matrix product on copied frames is a third faster on a CPU than conv1d.
        frames = x.shape[1] - (self.splice[-1] - self.splice[0])
        parts = [x[:, offset - self.splice[0] :][:, : frames : self.stride] for offset in self.splice]
        return self.affine(torch.cat(parts, dim=2))  # type: ignore[no-any-return]


class Normalised(nn.BatchNorm1d):
    """Batch normalisation over [batch, frames, width]; folded into the affine layer before it at the export."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).view_as(x)


class Factorised(nn.Module):
    """A narrow linear layer on spliced frames, a wide affine one, ReLU, and the input added."""

    def __init__(self, width: int, narrow: int, splice: tuple[int, ...]) -> None:
        super().__init__()
        self.narrow = Spliced(width, narrow, splice)
        self.wide = nn.Linear(narrow, width, bias=False)
        self.norm = Normalised(width)

    def forward(self, x: Tensor) -> Tensor:
        first, last = -self.narrow.splice[0], self.narrow.splice[-1]
        return functional.relu(self.norm(self.wide(self.narrow(x)))) + x[:, first : x.shape[1] - last]


class Network(nn.Module):
    """Log mel energies [batch, frames, MEL_BINS] to log probabilities [batch, ceil(frames / 3), phones].

    Frames before the first and after the last are copies of these, as in Kaldi. Output frame j belongs to input
    frame 3j.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(MEL_BINS))
        self.register_buffer("deviation", torch.ones(MEL_BINS))
        self.first = Spliced(MEL_BINS, shape.front, (-1, 0, 1))
        self.first_norm = Normalised(shape.front)
        self.second = Spliced(shape.front, shape.width, (-1, 0, 1), stride=SUBSAMPLING)
        self.second_norm = Normalised(shape.width)
        self.layers = nn.ModuleList(Factorised(shape.width, shape.narrow, splice) for splice in shape.splices)
        self.output = nn.Linear(shape.width, len(PHONES))

    @property
    def context(self) -> tuple[int, int]:
        """How many input frames the network looks at before and after the one it answers for."""
        before = sum(-splice[0] for splice in self.shape.splices)
        after = sum(splice[-1] for splice in self.shape.splices)
        return 2 + SUBSAMPLING * before, 2 + SUBSAMPLING * after

    def forward(self, x: Tensor) -> Tensor:
        x = (self._with_context(x) - self.mean) / self.deviation
        x = functional.relu(self.first_norm(self.first(x)))
        x = functional.relu(self.second_norm(self.second(x)))
        for layer in self.layers:
            x = layer(x)
        return functional.log_softmax(self.output(x).float(), dim=2)

    @torch.no_grad()
    def deepened(self, splices: Splices) -> "Network":
        """A network that answers nearly the same and has further layers after the present ones."""
        deeper = Network(replace(self.shape, splices=self.shape.splices + splices))
        deeper.load_state_dict(self.state_dict(), strict=False)
        for layer in deeper.layers[len(self.layers) :]:
            assert isinstance(layer, Factorised)
            layer.norm.weight.fill_(NEW_LAYER_SCALE)
        return deeper

    def _with_context(self, x: Tensor) -> Tensor:
        frames = x.shape[1]
        before, after = self.context
        needed = SUBSAMPLING * ((frames + SUBSAMPLING - 1) // SUBSAMPLING - 1) + 1
        return x[:, torch.arange(-before, needed + after).clamp(0, frames - 1)]
