"""How fast and in how much memory a chapter is mixed: `python benchmarks/mixing/bench_mixing.py [--minutes 10 60]`.

Each length is made in one process and mixed in another, so that the peak memory is the mixer's own (imports
included, ~120 MB). CPU is user + system time of one thread; × is seconds of audio per second of CPU. On a machine
where others work at the same time, CPU time itself rises: compare runs of one session only.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def make(folder: Path, minutes: float) -> None:
    from benchmarks.mixing.chapters import chapter

    (folder / "inputs.json").write_text(
        chapter(folder / "takes", minutes).model_dump_json(), encoding="utf-8"
    )


def measure(folder: Path, audio_format: str) -> dict[str, float]:
    from mixing import MixInputs, load_profile, mix_chapter

    inputs = MixInputs.model_validate_json((folder / "inputs.json").read_text(encoding="utf-8"))
    cpu, wall = time.process_time(), time.perf_counter()
    mixed = mix_chapter(inputs, folder / "out", load_profile(), audio_format, folder / "work")  # pyright: ignore[reportArgumentType]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "audio_s": round(mixed.duration_s, 1),
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        "times_real_time": round(mixed.duration_s / cpu, 1),
        "peak_memory_mb": round(peak_kb / 1024),
        "integrated_lufs": round(mixed.loudness.integrated_lufs or 0, 2),
        "true_peak_dbtp": round(mixed.loudness.true_peak_dbtp, 2),
        "worst_speech_to_bed_lu": round(getattr(mixed.worst_speech_to_bed, "speech_to_bed_lu", 0.0), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 60])
    parser.add_argument("--format", choices=["flac", "wav", "mp3"], default="flac")
    parser.add_argument("--step", choices=["make", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "make":
        make(options.folder, options.minutes[0])
        return
    if options.step == "measure":
        print(json.dumps(measure(options.folder, options.format)))
        return
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory(prefix="soundbound-bench-") as folder:
            for step in ("make", "measure"):
                subprocess.run(
                    [sys.executable, __file__, "--step", step, "--folder", folder,
                     "--minutes", str(minutes), "--format", options.format],
                    check=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
