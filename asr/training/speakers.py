"""The synthetic speakers: Kokoro's Mandarin voices and mixtures of voices.

TEST_VOICES and every mixture with them are for testing alone.
"""

from typing import Final

import numpy as np

TEST_VOICES: Final = ("zf_xiaoxiao", "zm_yunyang")
MANDARIN_VOICES: Final = ("zf_xiaobei", "zf_xiaoni", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia")
# Voices of other languages, mixed in for the sound of more people; alone they would speak Chinese with an accent.
FOREIGN_VOICES: Final = (
    *("af_heart", "af_bella", "af_nicole", "af_sarah", "af_sky", "am_adam", "am_michael", "am_onyx", "am_echo"),
    *("bf_emma", "bm_george", "bm_lewis", "jf_alpha", "jf_gongitsune", "jm_kumo", "ef_dora", "em_alex", "ff_siwis"),
    *("hf_alpha", "hm_omega", "if_sara", "im_nicola", "pf_dora", "pm_alex"),
)
MOST_FOREIGN = 0.4


def draw_speaker(rng: np.random.Generator) -> dict[str, float]:
    """A random training speaker: weights by name of voice, which add up to 1."""
    first, second = (str(name) for name in rng.choice(MANDARIN_VOICES, 2, replace=False))
    kind = rng.random()
    if kind < 0.25:
        return {first: 1.0}
    if kind < 0.55:
        return _mixed(first, second, float(rng.uniform(0.25, 0.75)))
    return _mixed(first, str(rng.choice(FOREIGN_VOICES)), float(rng.uniform(0.1, MOST_FOREIGN)))


def _mixed(first: str, second: str, weight: float) -> dict[str, float]:
    """`weight` of the second voice and the rest of the first."""
    weight = round(weight, 2)
    return {first: 1 - weight, second: weight}


def speaker_name(mixture: dict[str, float]) -> str:
    return "+".join(f"{name}*{weight:.2f}" for name, weight in mixture.items())
