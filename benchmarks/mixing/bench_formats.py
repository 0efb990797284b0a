"""Writing speed of every format, and a WAV past 4 GiB: `python benchmarks/mixing/bench_formats.py [--hours 4.3]`.

The long WAV is 24 bits stereo at 48 kHz (4 GiB are 4.14 hours); it must become RF64 and read back whole, by an
independent reader, to its last sample. × is seconds of audio per second of CPU.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from mixing.encode import Writer
from mixing.profiles import load_profile

RATE_HZ = 48_000


def noise(seconds: int) -> np.ndarray:
    swell = np.repeat(np.random.default_rng(2).exponential(0.05, seconds * 5), RATE_HZ // 5)
    return (np.random.default_rng(1).standard_normal((2, seconds * RATE_HZ)) * swell).astype(np.float32)


def speeds(folder: Path, seconds: int) -> dict[str, dict[str, float]]:
    sound, found = noise(seconds), {}
    for name, codec in load_profile().codecs.items():
        path, cpu = folder / f"x.{name}", time.process_time()
        with Writer(path, name, codec.kbits) as file:
            for at in range(0, sound.shape[1], 8 * RATE_HZ):
                file.write(sound[:, at : at + 8 * RATE_HZ])
        cpu = time.process_time() - cpu
        found[name] = {
            "times_real_time": round(seconds / cpu),
            "kbits": round(path.stat().st_size * 8 / 1000 / seconds),
        }
    return found


def long_wav(folder: Path, hours: float) -> dict[str, object]:
    path, block = folder / "long.wav", noise(30)
    count = round(hours * 120)
    with Writer(path, "wav") as file:
        for _ in range(count):
            file.write(block)
    head, expected = path.open("rb").read(4).decode(), count * block.shape[1]
    with soundfile.SoundFile(path) as file:
        frames = file.frames
        file.seek(frames - block.shape[1])
        last = file.read(dtype="float32").T
    return {
        "gib": round(path.stat().st_size / 2**30, 2),
        "header": head,
        "frames_right": frames == expected,
        "last_half_minute_right": bool(np.abs(last - np.clip(block, -1, 1)).max() < 2**-22),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=4.3, help="length of the long WAV; 0 leaves it out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soundbound-bench-") as name:
        print(json.dumps({"formats": speeds(Path(name), 60)}))
        if options.hours:
            print(json.dumps({"long_wav": long_wav(Path(name), options.hours)}))


if __name__ == "__main__":
    main()
