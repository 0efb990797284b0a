"""A chapter's mix, in two passes over blocks, in memory that does not grow with the chapter.

1. Plan (planning.py): prepare every take once; levels, loops and ducking from measured energies.
2. First pass: render the three buses block by block, write the stems, keep their sum and its loudness.
3. Second pass (mastering.py): sum × gain → true-peak limiter → master, verified.

Every bit depends on a frame's number only: any block size gives the same files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mixing.buses import ClipBus, FloorNoise
from mixing.contracts import SAMPLE_RATE_HZ, STEMS, AudioFormat, MixError, MixInputs, MixResult
from mixing.ducking import DuckCurve
from mixing.encode import Writer
from mixing.encodes import EncodeCache, digest
from mixing.levels import line_levels, speaker_levels, too_close
from mixing.linecache import LineCache
from mixing.loudness import StemMeter, integrated_lufs
from mixing.mastering import master
from mixing.overview import keep_energies, overview, with_master
from mixing.planning import Plan, plan_mix, with_rooms
from mixing.profiles import Laws, Profile
from mixing.scratch import Clip, Scratch
from mixing.sources import ScratchSource

BLOCK_FRAMES = 8 * SAMPLE_RATE_HZ
# Share of its time until the mix is planned, then rendered; the rest is mastering (a chapter of eleven minutes).
PLANNED, RENDERED = 0.28, 0.85
Progress = Callable[[float], None]


def mix_chapter(
    inputs: MixInputs,
    out_dir: Path,
    profile: Profile,
    audio_format: AudioFormat = "flac",
    work_dir: Path | None = None,
    progress: Progress | None = None,
    block_frames: int = BLOCK_FRAMES,
    cache: LineCache | None = None,
    encodes: EncodeCache | None = None,
) -> MixResult:
    """Mix and master a chapter: `out_dir/master.<format>` and `out_dir/stems/<stem>.flac`, 48 kHz stereo, 24 bits.

    The stems of a WAV master are WAV too.

    Args:
        work_dir: where scratch audio lies while it runs, about 0.6 MB a second of chapter; default `out_dir`.
        progress: called with the share done, 0..1.
        block_frames: frames rendered at a time; changes memory and nothing else.
        cache: processed lines of earlier mixes; changes time and nothing else.
        encodes: where encoded masters are kept from run to run.

    Raises:
        MixError: a take is damaged, or an output can't be written. `out_dir` is then as it was before.
    """
    work_dir, tell = work_dir or out_dir, progress or (lambda share: None)
    out = out_dir / f"master.{audio_format}"
    stem_format: AudioFormat = "wav" if audio_format == "wav" else "flac"  # never lossy
    stems = {stem: out_dir / "stems" / f"{stem}.{stem_format}" for stem in STEMS}
    kept = out_dir / "loudness.npy"
    unfinished = {path: path.with_name(f".{path.name}") for path in (out, kept, *stems.values())}
    try:
        (out_dir / "stems").mkdir(parents=True, exist_ok=True)
        work_dir.mkdir(parents=True, exist_ok=True)
        _check_disk(inputs.timeline.total_duration_s, work_dir)
        with Scratch(work_dir / "clips.f32") as clips, Scratch(work_dir / "sum.f32") as total:
            plan = plan_mix(inputs, profile.laws, clips, lambda share: tell(PLANNED * share), cache)
            bed_curve = DuckCurve(plan.bed_ducks, profile.laws.bed_ducking)
            effect_curve = DuckCurve(plan.effect_ducks, profile.laws.effect_ducking)
            meter, loudest = _render(
                plan,
                profile.laws,
                (bed_curve, effect_curve),
                clips,
                total,
                {stem: unfinished[path] for stem, path in stems.items()},
                stem_format,
                block_frames,
                lambda share: tell(PLANNED + (RENDERED - PLANNED) * share),
            )
            made = master(
                ScratchSource(total, Clip(0, 2, plan.frames), meter.sum_energies),
                unfinished[out],
                profile,
                audio_format,
                integrated_lufs(meter.sum_energies),
                block_frames,
                lambda share: tell(RENDERED + (1 - RENDERED) * share),
                cache=encodes,
                content=lambda: digest(unfinished[path] for path in stems.values()),
            )
        keep_energies(unfinished[kept], meter)
        for path, whole in unfinished.items():
            whole.replace(path)
    except BaseException as error:
        for path in unfinished.values():
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise MixError(
                f"can't write the mix ({error.strerror or error})",
                where=str(error.filename or work_dir),
                remedy="check free disk space and permissions, then render again",
            ) from error
        raise
    if cache is not None:
        cache.prune()
    warnings = [*plan.warnings, *made.warnings]
    if loudest > 1:
        warnings.append(f"a stem clips by {20 * np.log10(loudest):.1f} dB; the master does not")
    levels = line_levels(plan, meter.energies("environment"), made.gain_db)
    worst, close = too_close(levels, profile.laws.bed_ducking.speech_over_lu)
    return MixResult(
        master=out,
        stems=stems,
        duration_s=plan.frames / SAMPLE_RATE_HZ,
        loudness=made.loudness,
        target_lufs=profile.integrated_lufs,
        ceiling_dbtp=profile.ceiling(audio_format),
        master_gain_db=made.gain_db,
        limited_share=made.limited_share,
        lines_reused=cache.hits if cache else 0,
        speakers=speaker_levels(plan.lines, made.gain_db),
        lines=levels,
        worst_speech_to_bed=worst,
        energies=kept,
        checks=made.checks,
        overview=with_master(
            overview(meter, made.gain_db, bed_curve, effect_curve, len(made.waveform.peaks)),
            made.energies,
            made.waveform,
        ),
        warnings=warnings + close,
    )


def _check_disk(duration_s: float, work_dir: Path) -> None:
    need = duration_s * SAMPLE_RATE_HZ * 4 * 3 + 5e7  # the sum in stereo, the lines in mono, beds and effects
    free = shutil.disk_usage(work_dir).free
    if free < need:
        raise MixError(
            f"the mix needs {need / 1e6:.0f} MB of scratch space, {free / 1e6:.0f} MB are free",
            where=str(work_dir),
            remedy="make room or choose another work folder",
        )


def _render(
    plan: Plan,
    laws: Laws,
    curves: tuple[DuckCurve, DuckCurve],
    clips: Scratch,
    total: Scratch,
    stems: dict[str, Path],
    stem_format: AudioFormat,
    block_frames: int,
    progress: Progress,
) -> tuple[StemMeter, float]:
    """Write the stems and keep their sum in `total`; `curves` duck the beds and the effects.

    Returns:
        K-weighted 10 ms energies of the stems and their sum, and the stems' highest sample.
    """
    speech, effects = ClipBus(with_rooms(plan.lines), clips), ClipBus(with_rooms(plan.effects), clips)
    music = ClipBus([piece.placed for piece in plan.music], clips)
    music_curve = DuckCurve(plan.music_ducks, laws.music_ducking)
    floor = FloorNoise(laws.bed.floor_dbfs)
    meter, loudest = StemMeter(STEMS), 0.0
    with (
        Writer(stems["dialogue"], stem_format) as dialogue_file,
        Writer(stems["environment"], stem_format) as environment_file,
        Writer(stems["effects"], stem_format) as effects_file,
    ):
        for start in range(0, plan.frames, block_frames):
            stop = min(start + block_frames, plan.frames)
            said, done = speech.render(start, stop), effects.render(start, stop)
            around = np.zeros_like(said)
            for bed in plan.beds:
                bed.add_to(around, start, clips)
            for bus, curve in zip((around, done), curves, strict=True):
                gain = curve.gain(start, stop)
                if gain is not None:
                    bus *= gain
            if plan.music:
                score, gain = music.render(start, stop), music_curve.gain(start, stop)
                done += score if gain is None else score * gain
            floor.add_to(around, start)
            for file, stem in ((dialogue_file, said), (environment_file, around), (effects_file, done)):
                file.write(stem)
                loudest = max(loudest, float(stem.max()), -float(stem.min()))
            total.append(said + around + done)
            meter.add(dict(zip(STEMS, (said, around, done), strict=True)))
            progress(stop / plan.frames)
    return meter, loudest
