"""What the mix of a rendered chapter does, measured from audio: duck depth, loop seams, mono fold-down.

    python -m benchmarks.mixing.examples OUT/treasure-island/ch05 [...] [--home HOME]

Give published chapters rendered to FLAC without music, and the home their takes are in. The chapter is mixed once as it
was published (its stems must come out the same) and once without ducking; the difference of the two environment stems
is the duck as it sounds. ../shared/tools/listen.py measures the rest of AUDIO.md. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyebur128
import soundfile as sf

from mixing import MixInputs, load_profile, mix_chapter
from mixing.beds import Bed
from mixing.contracts import STEMS
from mixing.ducking import DuckCurve
from mixing.planning import Plan, plan_mix
from mixing.profiles import DuckingLaw
from mixing.scratch import Scratch
from models.machine import default_home
from story.timeline import Timeline

TENTH = 4800  # frames


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chapters", type=Path, nargs="+")
    parser.add_argument("--home", type=Path, default=default_home())
    options = parser.parse_args()
    json.dump([measure(chapter, options.home) for chapter in options.chapters], sys.stdout, indent=1)
    print()


def measure(chapter: Path, home: Path) -> dict[str, Any]:
    report = json.loads((chapter / "report.json").read_text(encoding="utf-8"))
    inputs, profile = inputs_of(chapter, home), load_profile(report["profile"])
    laws = profile.laws
    still = laws.model_copy(update={"bed_ducking": laws.bed_ducking.model_copy(update={"max_depth_db": 0.0})})
    with tempfile.TemporaryDirectory(prefix="soundbound-examples-") as temporary:
        root = Path(temporary)
        mix_chapter(inputs, root / "ducked", profile)
        same = all(
            np.array_equal(
                audio(root / "ducked" / "stems" / f"{stem}.flac"), audio(chapter / "stems" / f"{stem}.flac")
            )
            for stem in STEMS
        )
        mix_chapter(inputs, root / "still", profile.model_copy(update={"laws": still}))
        ducked, unducked = (audio(root / name / "stems" / "environment.flac") for name in ("ducked", "still"))
        with Scratch(root / "clips.f32") as clips:
            plan = plan_mix(inputs, laws, clips, lambda share: None)
            seams = [d for bed in plan.beds for d in seam_errors_db(bed, clips)]
    depths = duck_errors_db(plan, laws.bed_ducking, ducked, unducked)
    master = audio(chapter / "master.flac")
    return {
        "chapter": f"{report['novel']} {report['number']}",
        "same_stems": same,
        "ducked_lines": sum(duck.depth_db >= 0.5 for duck in plan.bed_ducks),
        "of_them_measured": len(depths),
        "duck_error_db": worst_and_middle(depths),
        "seams": len(seams),
        "seam_error_db": worst_and_middle(seams),
        "mono_loses_lu": round(
            lufs(master) - lufs(np.repeat(master.mean(axis=1, keepdims=True), 2, axis=1)), 2
        ),
    }


def inputs_of(chapter: Path, home: Path) -> MixInputs:
    """What was mixed: the published timeline, and the takes that the provenance names."""
    timeline = Timeline.model_validate_json((chapter / "timeline.json").read_text(encoding="utf-8"))
    takes = json.loads((chapter / "provenance.json").read_text(encoding="utf-8"))["takes"]

    def of(segments: Any) -> dict[str, Path]:
        keys = {s.id: takes[s.id]["key"] for s in segments if s.id in takes}
        return {place: home / "takes" / key[:2] / f"{key}.flac" for place, key in keys.items()}

    return MixInputs(
        timeline=timeline,
        dialogue=of(timeline.dialogue_segments),
        beds=of(timeline.environment_segments),
        effects=of(timeline.effect_segments),
    )


def audio(path: Path) -> np.ndarray:
    """float32 `(samples, channels)`."""
    return sf.read(path, dtype="float32", always_2d=True)[0]


def duck_errors_db(plan: Plan, law: DuckingLaw, ducked: np.ndarray, unducked: np.ndarray) -> list[float]:
    """Of each ducked line: depth heard less depth planned, over the tenths of a second where the plan is level."""
    count = len(ducked) // TENTH
    curve_db = DuckCurve(plan.bed_ducks, law).tenths_db(count)
    power = [
        (x[: count * TENTH].astype(np.float64) ** 2).sum(axis=1).reshape(count, TENTH).sum(axis=1)
        for x in (ducked, unducked)
    ]
    errors = []
    for duck in plan.bed_ducks:
        first, end = int(np.ceil(duck.start_s * 10)), min(int(duck.end_s * 10), count)
        level = [t for t in range(first, end) if abs(curve_db[t] + duck.depth_db) < 0.05]
        if duck.depth_db >= 0.5 and len(level) >= 3:
            heard_db = 10 * np.log10(power[1][level].sum() / power[0][level].sum())
            errors.append(float(heard_db - duck.depth_db))
    return errors


def seam_errors_db(bed: Bed, clips: Scratch) -> list[float]:
    """Of each seam of a bed: its level against that of its two sides, faded by sin² (no dip, no bump is 0 dB).

    The plain step from before to after says nothing: waves at a shore rise by 8 dB of themselves.
    """
    errors = []
    for before, piece in pairwise(bed.pieces):
        assert piece.fade_in is not None
        width = piece.fade_in.frames
        end = before.source + before.frames
        sides = [
            (clips.read(bed.take.clip, at, at + width).astype(np.float64) ** 2).sum(axis=0)
            for at in (end - width, piece.source)
        ]
        rise = np.sin(np.pi / 2 * (np.arange(width) + 0.5) / width) ** 2
        heard = np.zeros((2, width), np.float32)
        bed.add_to(heard, bed.start + piece.start, clips)
        faded = piece.start < bed.fade_in or piece.start + width > bed.frames - bed.fade_out
        if not faded:
            power = (heard.astype(np.float64) ** 2).sum() / float(bed.gain) ** 2
            errors.append(float(10 * np.log10(power / (sides[0] * rise[::-1] + sides[1] * rise).sum())))
    return errors


def lufs(samples: np.ndarray) -> float:
    state = pyebur128.R128State(samples.shape[1], 48000, pyebur128.MeasurementMode.MODE_I)
    state.add_frames(np.ascontiguousarray(samples.ravel()), len(samples))
    return pyebur128.get_loudness_global(state)


def worst_and_middle(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "worst": round(max(values, key=abs), 2),
        "median": round(float(np.median(np.abs(values))), 2),
        "95_percent": round(float(np.percentile(np.abs(values), 95)), 2),
    }


if __name__ == "__main__":
    main()
