"""The same chapter by what a user could put in the mixer's place: pydub's overlay, an ffmpeg filter graph.

Both deliver less: one file, no stems, no room, no loop without a seam; pydub ducks nothing and sets no loudness.
ffmpeg's graph is the frugal one (concat, side-chain, loudnorm); delaying and adding every line instead costs thrice as
much. Needs `pip install pydub` and Debian's ffmpeg; neither is part of the product.
"""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import soundfile

from mixing import MixInputs
from story.timeline import EnvironmentSegment


def pydub_overlay(inputs: MixInputs, out: Path) -> None:
    from pydub import AudioSegment  # pyright: ignore[reportMissingImports]

    timeline = inputs.timeline
    total_ms = round(1000 * timeline.total_duration_s)
    mix = AudioSegment.silent(total_ms, frame_rate=48_000).set_channels(2)
    opened: dict[Path, AudioSegment] = {}

    def sound(path: Path) -> AudioSegment:
        if path not in opened:
            samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
            opened[path] = AudioSegment(
                samples.tobytes(), frame_rate=rate_hz, sample_width=2, channels=samples.shape[1]
            ).set_frame_rate(48_000)
        return opened[path]

    for bed in timeline.environment_segments:
        take, length_ms = sound(inputs.beds[bed.id]), round(1000 * bed.duration_s)
        looped = (take * (length_ms // len(take) + 1))[:length_ms] - 14
        mix = mix.overlay(looped.fade_in(1000).fade_out(1000), position=round(1000 * bed.start_s))
    for line in timeline.dialogue_segments:
        spoken = sound(inputs.dialogue[line.id]).pan(line.pan)
        mix = mix.overlay(spoken, position=round(1000 * line.start_s))
        opened.pop(inputs.dialogue[line.id])
    for effect in timeline.effect_segments:
        mix = mix.overlay(
            sound(inputs.effects[effect.id]).pan(effect.pan), position=round(1000 * effect.start_s)
        )
    mix.export(out, format="wav")


def ffmpeg_graph(inputs: MixInputs, out: Path, folder: Path) -> None:
    timeline = inputs.timeline
    lines = [(s.start_s, inputs.dialogue[s.id]) for s in timeline.dialogue_segments]
    effects = [(s.start_s, inputs.effects[s.id]) for s in timeline.effect_segments]
    graph = (
        "[0]aformat=sample_rates=48000:channel_layouts=stereo,highpass=f=80,acompressor=ratio=2.5,asplit[d][key];"
        "[1]aformat=sample_rates=48000:channel_layouts=stereo,volume=-14dB[bed];"
        "[bed][key]sidechaincompress=threshold=0.02:ratio=6:attack=100:release=900[b];"
        "[2]aformat=sample_rates=48000:channel_layouts=stereo[e];"
        "[d][b][e]amix=inputs=3:normalize=0:duration=longest,loudnorm=I=-18:TP=-1.5:LRA=11"
    )
    tracks = [
        _concat(folder, "dialogue", lines),
        _beds(folder, timeline.environment_segments, inputs.beds),
        _concat(folder, "effects", effects),
    ]
    given = [part for track in tracks for part in ("-f", "concat", "-safe", "0", "-i", str(track))]
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-threads", "1", "-filter_complex_threads", "1", *given,
         "-filter_complex", graph, "-ar", "48000", "-c:a", "pcm_s24le", str(out)],
        check=True,
    )  # fmt: skip


def _concat(folder: Path, name: str, sounds: list[tuple[float, Path]]) -> Path:
    """A concat list of sounds and silences; what would overlap the one before is left out."""
    rows, at_s = ["ffconcat version 1.0"], 0.0
    for start_s, path in sorted(sounds):
        if start_s < at_s:
            continue
        if start_s > at_s:
            rows.append(f"file '{_silence(folder, start_s - at_s)}'")
        converted = _pcm(folder, path)
        rows.append(f"file '{converted}'")
        at_s = start_s + soundfile.info(path).duration
    listed = folder / f"{name}.txt"
    listed.write_text("\n".join(rows), encoding="utf-8")
    return listed


def _beds(folder: Path, segments: list[EnvironmentSegment], takes: dict[str, Path]) -> Path:
    """Each scene's first bed, looped by repetition."""
    rows, at_s = ["ffconcat version 1.0"], 0.0
    for bed in sorted(segments, key=lambda s: s.start_s):
        take, end_s = _pcm(folder, takes[bed.id]), bed.start_s + bed.duration_s
        length_s = soundfile.info(take).duration
        while at_s < end_s - 0.01:
            rows += [f"file '{take}'", f"outpoint {min(length_s, end_s - at_s):.3f}"]
            at_s += min(length_s, end_s - at_s)
    listed = folder / "beds.txt"
    listed.write_text("\n".join(rows), encoding="utf-8")
    return listed


def _pcm(folder: Path, path: Path) -> Path:
    """The concat demuxer wants one codec: mono, 24 kHz, 16 bits as the speech takes are."""
    if path.suffix == ".wav":
        return path
    made = folder / f"{path.stem}.pcm.wav"
    if not made.exists():
        samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
        soundfile.write(made, samples[:, :1], rate_hz, subtype="PCM_16")
    return made


def _silence(folder: Path, seconds: float) -> Path:
    made = folder / f"silence{round(1000 * seconds)}.wav"
    if not made.exists():
        with wave.open(str(made), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes(b"\0\0" * round(24_000 * seconds))
    return made
