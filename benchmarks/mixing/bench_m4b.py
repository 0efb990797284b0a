"""A 26-hour book of 780 chapters bound into one M4B and read back: `python benchmarks/mixing/bench_m4b.py`.

Chapters of two minutes, a few distinct tones encoded once and used in turn: binding copies packets and does not care
what is in them. Every chapter must be found at its time, in the chapter track and in the sound itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from mixing.containers import Part, make_m4b, read_marks
from mixing.encode import Writer
from mixing.tags import Tags

RATE_HZ = 48_000


def encode(path: Path, frequency_hz: float, seconds: float) -> Path:
    with Writer(path, "m4a", 128) as file:
        for second in range(int(seconds)):
            at = np.arange(second * RATE_HZ, (second + 1) * RATE_HZ)
            file.write(
                np.tile(0.2 * np.sin(2 * np.pi * frequency_hz * at / RATE_HZ), (2, 1)).astype(np.float32)
            )
    return path


def tone_at(path: Path, at_s: float) -> float:
    """The loudest frequency of the quarter second after `at_s`, as a player that jumps there hears it."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        file.seek(round(at_s / stream.time_base), stream=stream)  # pyright: ignore[reportOptionalOperand]
        heard, parts = 0, []
        for frame in file.decode(stream):
            if frame.time is None or frame.time < at_s:
                continue
            parts.append(frame.to_ndarray()[0])
            heard += frame.samples
            if heard > RATE_HZ // 4:
                break
    sound = np.concatenate(parts)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax() * RATE_HZ / len(sound))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chapters", type=int, default=780)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    tones = [200.0 + 100 * k for k in range(7)]
    with tempfile.TemporaryDirectory(prefix="soundbound-bench-") as name:
        folder = Path(name)
        sources = [encode(folder / f"{hz:.0f}.m4a", hz, options.seconds) for hz in tones]
        parts = [Part(sources[n % len(tones)], f"Chapter {n + 1}") for n in range(options.chapters)]
        cpu = time.process_time()
        marks = make_m4b(parts, folder / "book.m4b", Tags(title="A long book", author="Soundbound"))
        cpu = time.process_time() - cpu
        found = read_marks(folder / "book.m4b")
        worst_s = max(abs(a.start_s - b.start_s) for a, b in zip(found, marks, strict=True))
        checked = range(0, options.chapters, max(1, options.chapters // 40))
        wrong = [
            n
            for n in checked
            if abs(tone_at(folder / "book.m4b", found[n].start_s + 0.1) - tones[n % len(tones)]) > 5
        ]
        print(
            json.dumps(
                {
                    "hours": round(marks[-1].end_s / 3600, 2),
                    "chapters": len(found),
                    "titles_right": [m.title for m in found] == [p.title for p in parts],
                    "worst_start_error_s": round(worst_s, 5),
                    "sound_checked": len(checked),
                    "sound_wrong": len(wrong),
                    "cpu_s": round(cpu, 1),
                    "times_real_time": round(marks[-1].end_s / cpu),
                    "file_mb": round((folder / "book.m4b").stat().st_size / 1e6),
                    "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                }
            )
        )


if __name__ == "__main__":
    main()
