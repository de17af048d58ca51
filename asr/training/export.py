"""Turn a trained checkpoint into the acoustic half of a Vosk model: am/final.mdl and conf/."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from asr.language.phones import PHONES
from asr.training.examples import SUBSAMPLING
from asr.training.features import HIGH_HERTZ, LOW_HERTZ, MEL_BINS, SAMPLE_RATE, mfcc_from_log_mel
from asr.training.kaldi_format import Nnet3, acoustic_model, splice
from asr.training.network import Factorised, Network, Normalised, Spliced

Floats = npt.NDArray[np.float64]

# CTC puts most of the probability on blanks; as a log this much is taken off, so that words are not swallowed.
BLANK_PENALTY = 1.5

MFCC_CONF = f"""--sample-frequency={SAMPLE_RATE}
--use-energy=false
--num-mel-bins={MEL_BINS}
--num-ceps={MEL_BINS}
--low-freq={LOW_HERTZ:.0f}
--high-freq={HIGH_HERTZ:.0f}
--dither=0.0
--allow-downsample=true
--allow-upsample=true
"""

MODEL_CONF = """--min-active=200
--max-active=3000
--beam={beam}
--lattice-beam=2.0
--acoustic-scale={acoustic_scale}
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


def export(network: Network, folder: Path, blank_penalty: float = BLANK_PENALTY) -> None:
    """Write am/final.mdl and conf/mfcc.conf below `folder`."""
    priors = np.ones(len(PHONES))
    priors[0] = np.exp(blank_penalty)
    (folder / "am").mkdir(parents=True, exist_ok=True)
    (folder / "conf").mkdir(exist_ok=True)
    model = acoustic_model(len(PHONES), nnet3_of(network), network.context, priors)
    (folder / "am" / "final.mdl").write_bytes(model)
    (folder / "conf" / "mfcc.conf").write_text(MFCC_CONF)


def write_search_settings(folder: Path, beam: float, acoustic_scale: float) -> None:
    """Write conf/model.conf: how widely the decoder searches, and how much the sounds weigh against the words."""
    text = MODEL_CONF.format(beam=beam, acoustic_scale=acoustic_scale)
    (folder / "conf" / "model.conf").write_text(text)


@torch.no_grad()
def nnet3_of(network: Network) -> Nnet3:
    """The same function in nnet3's terms, from MFCCs instead of log mel energies, with all normalisation folded in."""
    nnet = Nnet3()
    source = nnet.add_input(MEL_BINS)
    weights, bias = _folded(_array(network.first.affine.weight), network.first_norm)
    weights, bias = _on_mfccs(weights, bias, network)
    source = _affine_relu(nnet, "first", splice(source, network.first.splice), weights, bias)
    weights, bias = _folded(_array(network.second.affine.weight), network.second_norm)
    source = _affine_relu(nnet, "second", splice(source, network.second.splice), weights, bias)
    for number, layer in enumerate(network.layers, start=1):
        assert isinstance(layer, Factorised)
        source = _add_factorised(nnet, f"layer{number}", source, layer)
    source = nnet.add_affine("output.affine", source, _array(network.output.weight), _array(network.output.bias))
    nnet.add_output(nnet.add_log_softmax("output.log-softmax", source, len(PHONES)))
    return nnet


def _add_factorised(nnet: Nnet3, name: str, source: str, layer: Factorised) -> str:
    narrow: Spliced = layer.narrow
    offsets = [SUBSAMPLING * offset for offset in narrow.splice]
    linear = _array(narrow.affine.weight)
    below = nnet.add_affine(f"{name}.narrow", splice(source, offsets), linear, np.zeros(len(linear)))
    weights, bias = _folded(_array(layer.wide.weight), layer.norm)
    above = _affine_relu(nnet, name, below, weights, bias)
    return nnet.add_copy(f"{name}.sum", f"Sum({source}, {above})", len(weights))


def _affine_relu(nnet: Nnet3, name: str, source: str, weights: Floats, bias: Floats) -> str:
    return nnet.add_relu(f"{name}.relu", nnet.add_affine(f"{name}.affine", source, weights, bias), len(weights))


def _folded(weights: Floats, norm: Normalised) -> tuple[Floats, Floats]:
    """Weights and bias that do what `weights` and then the normalisation do."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return weights * scale[:, None], _array(norm.bias) - _array(norm.running_mean) * scale


def _on_mfccs(weights: Floats, bias: Floats, network: Network) -> tuple[Floats, Floats]:
    """The first layer's weights for MFCCs as they come, in place of normalised log mel energies."""
    mean, deviation = _array(network.mean), _array(network.deviation)
    by_frame = weights.reshape(len(weights), -1, MEL_BINS) / deviation
    moved = bias - (by_frame * mean).sum(axis=(1, 2))
    return (by_frame @ np.linalg.inv(mfcc_from_log_mel())).reshape(len(weights), -1), moved


def _array(tensor: torch.Tensor) -> Floats:
    return tensor.detach().double().numpy()
