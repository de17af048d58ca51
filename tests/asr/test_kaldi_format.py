"""The written network is read back and run with NumPy: it must answer as PyTorch's does."""

import re
import struct
from typing import Any

import numpy as np
import pytest
import torch

from asr.language.phones import PHONES
from asr.training import kaldi_format
from asr.training.export import nnet3_of
from asr.training.features import MEL_BINS, mfcc_from_log_mel
from asr.training.kaldi_format import acoustic_model, splice
from asr.training.network import DEEPER, Network, Shape

pytestmark = pytest.mark.unit

SMALL = Shape(front=6, width=8, narrow=4, splices=((-1, 0, 1), (-2, 0, 1)))


class Reader:
    """Reads Kaldi's binary format, so far as the tests need it."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def token(self) -> str:
        end = self.content.index(b" ", self.place)
        word, self.place = self.content[self.place : end].decode(), end + 1
        return word

    def integer(self) -> int:
        assert self.content[self.place] == 4
        (value,) = struct.unpack_from("<i", self.content, self.place + 1)
        self.place += 5
        return int(value)

    def array(self) -> np.ndarray[Any, Any]:
        kind = self.token()
        shape = (self.integer(),) if kind == "FV" else (self.integer(), self.integer())
        size = int(np.prod(shape))
        values = np.frombuffer(self.content, "<f4", size, self.place).reshape(shape)
        self.place += 4 * size
        return values


def run_nnet3(network: Network, mfccs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The output of the exported network for `mfccs` [frames, MEL_BINS], by its configuration lines."""
    nnet = nnet3_of(network)
    before, after = network.context
    count = len(mfccs)
    padded = mfccs[np.clip(np.arange(-before, count + after), 0, count - 1)]
    values: dict[str, np.ndarray[Any, Any]] = {"input": padded}
    for line, component in zip(nnet.lines[1:-1], nnet.components, strict=True):
        name, source = re.fullmatch(r"component-node name=(\S+) component=\S+ input=(.+)", line).groups()  # type: ignore[union-attr]
        values[name] = _apply(component, _described(source, values))
    output = re.search(r"input=(\S+)", nnet.lines[-1])
    assert output
    return values[output[1]][before : before + count : 3]


def _described(text: str, values: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    if match := re.fullmatch(r"Append\((.+)\)", text):
        return np.hstack([_described(part, values) for part in re.findall(r"Offset\([^)]*\)|[^,\s]+", match[1])])
    if match := re.fullmatch(r"Offset\((\S+), (-?\d+)\)", text):
        return np.roll(values[match[1]], -int(match[2]), axis=0)
    if match := re.fullmatch(r"Sum\((\S+), (\S+)\)", text):
        return values[match[1]] + values[match[2]]
    return values[text]


def _apply(component: bytes, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    reader = Reader(component)
    assert reader.token() == "<ComponentName>"
    reader.token()
    kind = reader.token()
    if kind == "<FixedAffineComponent>":
        assert reader.token() == "<LinearParams>"
        weights = reader.array()
        assert reader.token() == "<BiasParams>"
        return x @ weights.T + reader.array()
    if kind == "<RectifiedLinearComponent>":
        return np.maximum(x, 0)
    if kind == "<LogSoftmaxComponent>":
        return x - np.logaddexp.reduce(x, axis=1, keepdims=True)
    assert kind == "<NoOpComponent>"
    return x


def trained_a_little() -> Network:
    """A network whose normalisations are no longer as they were made."""
    torch.manual_seed(1)
    network = Network(SMALL)
    network.mean.copy_(torch.randn(MEL_BINS))
    network.deviation.copy_(torch.rand(MEL_BINS) + 0.5)
    for _ in range(3):
        network(torch.randn(4, 30, MEL_BINS) * 2 + 1)
    return network.eval()


def test_exported_network_answers_as_the_trained_one() -> None:
    network = trained_a_little()
    log_mel = np.random.default_rng(1).normal(8, 3, (31, MEL_BINS)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(log_mel)[None])[0].numpy()
    answered = run_nnet3(network, log_mel @ mfcc_from_log_mel().T)
    assert answered.shape == expected.shape == (11, len(PHONES))
    np.testing.assert_allclose(answered, expected, atol=1e-3)


def test_deeper_network_answers_nearly_the_same() -> None:
    network = trained_a_little()
    deeper = network.deepened(DEEPER).eval()
    x = torch.randn(1, 60, MEL_BINS)
    assert len(deeper.layers) == len(network.layers) + len(DEEPER)
    with torch.no_grad():
        assert (network(x).exp() - deeper(x).exp()).abs().max() < 0.1


def test_model_file_has_transitions_network_and_priors() -> None:
    network = trained_a_little()
    priors = np.ones(len(PHONES))
    content = acoustic_model(len(PHONES), nnet3_of(network), network.context, priors)
    assert content.startswith(b"\0B<TransitionModel> <Topology> ")
    end = content.index(b"</Nnet3> ")
    reader = Reader(content[end + len(b"</Nnet3> ") :])
    assert (reader.token(), reader.integer()) == ("<LeftContext>", network.context[0])
    assert (reader.token(), reader.integer()) == ("<RightContext>", network.context[1])
    assert reader.token() == "<Priors>"
    np.testing.assert_array_equal(reader.array(), priors.astype(np.float32))
    assert reader.place == len(reader.content)


def test_transitions_give_each_phone_an_entry_and_a_loop() -> None:
    reader = Reader(kaldi_format.transition_model(3))
    reader.place = reader.content.index(b"<Tuples>")
    assert reader.token() == "<Tuples>"
    count = reader.integer()
    assert [[reader.integer() for _ in range(4)] for _ in range(count)] == [[1, 0, 0, 0], [2, 0, 1, 1], [3, 0, 2, 2]]
    assert (reader.token(), reader.token()) == ("</Tuples>", "<LogProbs>")
    np.testing.assert_allclose(reader.array(), [0, *[np.log(0.5)] * 6], rtol=1e-6)


def test_splice_leaves_out_the_offset_of_zero() -> None:
    assert splice("x", (-3, 0, 6)) == "Append(Offset(x, -3), x, Offset(x, 6))"
    assert splice("x", (0,)) == "x"
