"""Write a network as Kaldi's final.mdl: transition model, nnet3 network and priors, in Kaldi's binary format.

Layouts as in Kaldi's source: io-funcs-inl.h (basic types), hmm/hmm-topology.cc and transition-model.cc, and in nnet3/
nnet-nnet.cc, nnet-simple-component.cc and am-nnet-simple.cc. A token is its text and a space; numbers carry their size
before them.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.floating]

BINARY_MARK = b"\0B"


def token(text: str) -> bytes:
    return text.encode() + b" "


def int32(value: int) -> bytes:
    return b"\x04" + struct.pack("<i", value)


def float32(value: float) -> bytes:
    return b"\x04" + struct.pack("<f", value)


def float64(value: float) -> bytes:
    return b"\x08" + struct.pack("<d", value)


def int_vector(values: Sequence[int]) -> bytes:
    """The size of one element, their number, and the bare elements."""
    return b"\x04" + struct.pack(f"<i{len(values)}i", len(values), *values)


def vector(values: npt.ArrayLike) -> bytes:
    array = np.ascontiguousarray(values, "<f4")
    return token("FV") + int32(array.size) + array.tobytes()


def matrix(values: Matrix) -> bytes:
    array = np.ascontiguousarray(values, "<f4")
    rows, columns = array.shape
    return token("FM") + int32(rows) + int32(columns) + array.tobytes()


def transition_model(phones: int) -> bytes:
    """The transition model of a CTC network over `phones` phones, numbered from 1.

    Every phone has one state that must be entered and may be repeated, both with output (pdf) phone - 1. That makes
    transition id 2 * phone - 1 the repetition and 2 * phone the entry; `asr.language.graph` relies on it.
    """
    return b"".join([
        token("<TransitionModel>"), _topology(phones), token("<Tuples>"), int32(phones),
        *(int32(phone) + int32(0) + int32(phone - 1) + int32(phone - 1) for phone in range(1, phones + 1)),
        token("</Tuples>"), token("<LogProbs>"), vector([0.0] + [float(np.log(0.5))] * (2 * phones)),
        token("</LogProbs>"), token("</TransitionModel>"),
    ])  # fmt: skip


def _topology(phones: int) -> bytes:
    not_hmm = -1  # the marker before an entry whose entering and repeating outputs are numbered apart
    entered, final_state = 0, 1
    first = int32(0) + int32(1) + int32(2) + int32(entered) + float32(0.5) + int32(final_state) + float32(0.5)
    final = int32(-1) + int32(-1) + int32(0)
    return b"".join([
        token("<Topology>"), int_vector(range(1, phones + 1)), int_vector([-1] + [0] * phones),
        int32(not_hmm), int32(1), int32(2), first, final, token("</Topology>"),
    ])  # fmt: skip


@dataclass
class Nnet3:
    """An nnet3 network under construction: nodes in Kaldi's configuration language, and their components."""

    lines: list[str] = field(default_factory=list)
    components: list[bytes] = field(default_factory=list)

    def add_input(self, width: int) -> str:
        self.lines.append(f"input-node name=input dim={width}")
        return "input"

    def add_affine(self, name: str, source: str, weights: Matrix, bias: Matrix) -> str:
        """`weights` [out, in] on the descriptor `source`, a name or an expression such as Append(…)."""
        body = token("<LinearParams>") + matrix(weights) + token("<BiasParams>") + vector(bias)
        return self._add(name, source, "FixedAffineComponent", body)

    def add_relu(self, name: str, source: str, width: int) -> str:
        return self._add(name, source, "RectifiedLinearComponent", _nonlinearity(width))

    def add_log_softmax(self, name: str, source: str, width: int) -> str:
        return self._add(name, source, "LogSoftmaxComponent", _nonlinearity(width))

    def add_copy(self, name: str, source: str, width: int) -> str:
        """A node for an expression, so that others can refer to it with an offset."""
        body = token("<Dim>") + int32(width) + token("<BackpropScale>") + float32(1.0)
        return self._add(name, source, "NoOpComponent", body)

    def add_output(self, source: str) -> None:
        self.lines.append(f"output-node name=output input={source} objective=linear")

    def _add(self, name: str, source: str, kind: str, body: bytes) -> str:
        self.lines.append(f"component-node name={name} component={name} input={source}")
        parts = [token("<ComponentName>"), token(name), token(f"<{kind}>"), body, token(f"</{kind}>")]
        self.components.append(b"".join(parts))
        return name

    def written(self) -> bytes:
        configuration = ("\n".join(self.lines) + "\n\n").encode()
        count = token("<NumComponents>") + int32(len(self.components))
        return b"".join([token("<Nnet3>"), b"\n", configuration, count, *self.components, token("</Nnet3>")])


def _nonlinearity(width: int) -> bytes:
    """A component without parameters; the statistics that Kaldi gathers in training are empty."""
    return b"".join([
        token("<Dim>"), int32(width), token("<ValueAvg>"), vector([]), token("<DerivAvg>"), vector([]),
        token("<Count>"), float64(0), token("<OderivRms>"), vector([]), token("<OderivCount>"), float64(0),
        token("<NumDimsSelfRepaired>"), float64(0), token("<NumDimsProcessed>"), float64(0),
    ])  # fmt: skip


def splice(source: str, offsets: Sequence[int]) -> str:
    """The descriptor that joins frames of `source` at `offsets`."""
    parts = [source if offset == 0 else f"Offset({source}, {offset})" for offset in offsets]
    return f"Append({', '.join(parts)})" if len(parts) > 1 else parts[0]


def acoustic_model(phones: int, network: Nnet3, context: tuple[int, int], priors: npt.ArrayLike) -> bytes:
    """The whole final.mdl. `context` is the number of frames before and after; log `priors` are subtracted from what
    the network gives."""
    before, after = context
    return b"".join([
        BINARY_MARK, transition_model(phones), network.written(),
        token("<LeftContext>"), int32(before), token("<RightContext>"), int32(after), token("<Priors>"), vector(priors),
    ])  # fmt: skip
