"""The decoding graph in two halves that Vosk composes while it listens: HCLr (sounds to words), Gr (word to word).

Only the second half changes with a run-time grammar. There is no H to compose: CTC has one state a phone, so each arc
of the determinised lexicon becomes an entry into the phone and a loop on it, and between phones blanks may be repeated.
The numbers on arcs are the transition ids of `asr.training.kaldi_format.transition_model()`. Look-ahead composition
needs OpenFst's look-ahead format, which the Debian packages libfst-tools and libfst22-plugins-base write.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import kaldifst
import kaldilm

from asr.language.lexicon import Pronunciation, lexicon_text
from asr.language.phones import PHONES

BACK_OFF = "#0"
EPSILON = "<eps>"
BLANK_ENTRY = 2  # the transition id that enters phone 1
FIRST_DISAMBIGUATION = 2 * len(PHONES) + 1  # transition ids from here on stand for the end of a homophone
PLUGIN_FOLDERS = [str(folder) for folder in Path("/usr/lib").glob("*-linux-gnu/fst/22")]
DEBIAN_PACKAGES = "libfst-tools libfst22-plugins-base"


class ToolMissing(Exception):
    """A program that the graph is made with is not on this machine."""


def write_graph(folder: Path, words: Sequence[str], lexicon: Sequence[Pronunciation], arpa: Path) -> None:
    """Write HCLr.fst, Gr.fst, words.txt and disambig_tid.int to `folder`.

    Raises ToolMissing where OpenFst's programs are not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {EPSILON: 0, **{word: number for number, word in enumerate([*words, "<s>", "</s>", BACK_OFF], start=1)}}
    symbols = folder / "words.original.txt"
    _write_symbols(symbols, numbers)
    sounds, disambiguations = _sounds_to_words(lexicon, numbers)
    relabelling = _write_look_ahead(sounds, folder)
    _write_words_to_words(arpa, symbols, numbers, relabelling, folder)
    _write_symbols(folder / "words.txt", _renumbered(numbers, relabelling))
    ids = range(FIRST_DISAMBIGUATION, FIRST_DISAMBIGUATION + disambiguations + 1)
    (folder / "disambig_tid.int").write_text("".join(f"{number}\n" for number in ids))
    symbols.unlink()


def _renumbered(numbers: dict[str, int], relabelling: dict[int, int]) -> dict[str, int]:
    """Words with their new numbers; symbols that are no words (<s>, #0) get numbers behind all others."""
    free = max([*relabelling.values(), *numbers.values()]) + 1
    return {word: relabelling.get(number, 0 if number == 0 else free + number) for word, number in numbers.items()}


def _write_symbols(path: Path, numbers: dict[str, int]) -> None:
    ordered = sorted(numbers.items(), key=lambda pair: pair[1])
    path.write_text("".join(f"{word} {number}\n" for word, number in ordered), encoding="utf-8")


def _sounds_to_words(lexicon: Sequence[Pronunciation], numbers: dict[str, int]) -> tuple[kaldifst.StdVectorFst, int]:
    """HCLr before its look-ahead format, and the number of disambiguation symbols in it."""
    text, disambiguations = lexicon_text(lexicon, numbers)
    fst = kaldifst.compile(text, acceptor=False)
    kaldifst.arcsort(fst, sort_type="ilabel")
    kaldifst.determinize_star(fst, use_log=False)
    kaldifst.minimize_encoded(fst)
    expanded = _expanded(fst)
    kaldifst.arcsort(expanded, sort_type="olabel")
    return expanded, disambiguations


def _expanded(lexicon: kaldifst.StdVectorFst) -> kaldifst.StdVectorFst:
    """Phones on arcs to transition ids: enter the phone, stay in it, leave; between phones any number of blanks."""
    out = kaldifst.StdVectorFst()
    for _ in range(lexicon.num_states):
        out.add_state()
    out.start = lexicon.start
    stays: dict[tuple[int, int], int] = {}
    for state in kaldifst.StateIterator(lexicon):
        final = lexicon.final(state).value
        if final != float("inf"):
            out.set_final(state, kaldifst.TropicalWeight(final))
        out.add_arc(state, kaldifst.StdArc(BLANK_ENTRY, 0, 0.0, state))
        for arc in kaldifst.ArcIterator(lexicon, state):
            _expand_arc(out, state, arc, stays)
    return out


def _expand_arc(
    out: kaldifst.StdVectorFst, state: int, arc: kaldifst.StdArc, stays: dict[tuple[int, int], int]
) -> None:
    phone, weight, target = arc.ilabel, arc.weight.value, arc.nextstate
    if phone == 0 or phone > len(PHONES):
        label = FIRST_DISAMBIGUATION + phone - len(PHONES) if phone else 0
        out.add_arc(state, kaldifst.StdArc(label, arc.olabel, weight, target))
        return
    if (target, phone) not in stays:
        stay = stays[target, phone] = out.add_state()
        out.add_arc(stay, kaldifst.StdArc(2 * phone - 1, 0, 0.0, stay))
        out.add_arc(stay, kaldifst.StdArc(0, 0, 0.0, target))
    out.add_arc(state, kaldifst.StdArc(2 * phone, arc.olabel, weight, stays[target, phone]))


def _write_look_ahead(sounds: kaldifst.StdVectorFst, folder: Path) -> dict[int, int]:
    """Write HCLr.fst in look-ahead format and return how it numbers words anew."""
    plain, pairs = folder / "HCL.plain.fst", folder / "relabelling.txt"
    sounds.write(str(plain))
    _openfst("fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={pairs}", plain, folder / "HCLr.fst")
    relabelling = {int(old): int(new) for old, new in (line.split() for line in pairs.read_text().splitlines())}
    plain.unlink()
    pairs.unlink()
    return relabelling


def _openfst(program: str, *arguments: str | Path) -> None:
    if not shutil.which(program):
        raise ToolMissing(f"{program} is missing: as root, apt-get install {DEBIAN_PACKAGES}")
    plugins = os.pathsep.join([*PLUGIN_FOLDERS, os.environ.get("LD_LIBRARY_PATH", "")])
    command = [program, *map(str, arguments)]
    done = subprocess.run(
        command, check=False, env={**os.environ, "LD_LIBRARY_PATH": plugins}, capture_output=True, text=True
    )
    if done.returncode:
        raise ToolMissing(f"{program} failed (are {DEBIAN_PACKAGES} installed?): {done.stderr.strip()[-500:]}")


def _write_words_to_words(
    arpa: Path, symbols: Path, numbers: dict[str, int], relabelling: dict[int, int], folder: Path
) -> None:
    """Write Gr.fst: the language model with the words' new numbers, back-off on epsilon."""
    text = kaldilm.arpa2fst(str(arpa), disambig_symbol=BACK_OFF, read_symbol_table=str(symbols), max_order=3)
    back_off = numbers[BACK_OFF]
    lines = (_relabelled(line.split(), back_off, relabelling) for line in text.splitlines())
    fst = kaldifst.compile("\n".join(lines) + "\n", acceptor=False)
    kaldifst.arcsort(fst, sort_type="ilabel")
    plain = folder / "G.plain.fst"
    fst.write(str(plain))
    _openfst("fstconvert", "--fst_type=const", plain, folder / "Gr.fst")
    plain.unlink()


def _relabelled(parts: list[str], back_off: int, relabelling: dict[int, int]) -> str:
    if len(parts) >= 4:
        for place in (2, 3):
            label = int(parts[place])
            parts[place] = str(0 if label == back_off else relabelling.get(label, label))
    return " ".join(parts)
