"""How fast and in how much memory a chapter is mixed, beside what a user could put in the mixer's place.

    python benchmarks/mixing/bench_mixing.py                      10 and 30 minutes, then the peers on 30
    python benchmarks/mixing/bench_mixing.py --minutes 10 600     lengths; peak memory must not grow, CPU only linearly
    python benchmarks/mixing/bench_mixing.py --rooms              scene acoustics on every line

Each chapter is made in one process and mixed in another, so that the peak memory is the mixer's own (imports included,
~120 MB). CPU is user + system time; × is seconds of audio per second of CPU. On a machine where others work at the
same time, CPU time itself rises: compare runs of one session only. Results: benchmarks/mixing/measured.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

ROOMS = ["small_room", "room", "hall", "church", "cave", "carriage", "ship", "outdoor"]
PEERS = ("pydub", "ffmpeg")


def make(folder: Path, minutes: float, rooms: bool) -> None:
    from benchmarks.mixing.chapters import chapter

    inputs = chapter(folder / "takes", minutes)
    if rooms:
        for number, line in enumerate(inputs.timeline.dialogue_segments):
            line.space = ROOMS[number % len(ROOMS)]
    (folder / "inputs.json").write_text(inputs.model_dump_json(), encoding="utf-8")


def measure(folder: Path, who: str, audio_format: str) -> dict[str, object]:
    from mixing import MixInputs, load_profile, mix_chapter

    inputs = MixInputs.model_validate_json((folder / "inputs.json").read_text(encoding="utf-8"))
    found: dict[str, object] = {"who": who, "audio_s": round(inputs.timeline.total_duration_s, 1)}
    before = cpu_s()
    if who == "soundbound":
        mixed = mix_chapter(inputs, folder / "out", load_profile(), audio_format, folder / "work")  # pyright: ignore[reportArgumentType]
        found |= {
            "integrated_lufs": round(mixed.loudness.integrated_lufs or 0, 2),
            "true_peak_dbtp": round(mixed.loudness.true_peak_dbtp, 2),
            "worst_speech_to_bed_lu": round(getattr(mixed.worst_speech_to_bed, "speech_to_bed_lu", 0.0), 1),
        }
    else:
        from benchmarks.mixing import peers

        (folder / "out").mkdir()
        if who == "pydub":
            peers.pydub_overlay(inputs, folder / "out" / "mix.wav")
        else:
            peers.ffmpeg_graph(inputs, folder / "out" / "mix.wav", folder / "out")
    used = cpu_s() - before
    peak_kb = max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return found | {
        "cpu_s": round(used, 2),
        "times_real_time": round(inputs.timeline.total_duration_s / used, 1),
        "peak_memory_mb": round(peak_kb / 1024),
    }


def cpu_s() -> float:
    """User and system time of this process and of those it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def in_a_process(folder: Path, step: str, *more: str) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, "--folder", str(folder), *more],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout) if done.stdout.strip() else {}


def missing(who: str) -> str:
    if who == "pydub" and find_spec("pydub") is None:
        return "pip install pydub"
    if who == "ffmpeg" and shutil.which("ffmpeg") is None:
        return "apt-get install ffmpeg"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 30])
    parser.add_argument("--format", choices=["flac", "wav", "mp3"], default="wav")
    parser.add_argument("--rooms", action="store_true", help="a room on every line")
    parser.add_argument("--no-peers", action="store_true", help="the mixer alone")
    parser.add_argument("--step", choices=["make", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--who", default="soundbound", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "make":
        make(options.folder, options.minutes[0], options.rooms)
        return
    if options.step == "measure":
        print(json.dumps(measure(options.folder, options.who, options.format)))
        return
    rooms = ["--rooms"] if options.rooms else []
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory(prefix="soundbound-bench-") as temporary:
            folder = Path(temporary)
            in_a_process(folder, "make", "--minutes", str(minutes), *rooms)
            ours: dict = {}
            for who in ("soundbound", *(PEERS if minutes == 30 and not options.no_peers else ())):
                if hint := missing(who):
                    print(f"{who} is left out: {hint}", file=sys.stderr)
                    continue
                shutil.rmtree(folder / "out", ignore_errors=True)
                found = in_a_process(folder, "measure", "--who", who, "--format", options.format)
                ours = ours or found
                found["cpu_against_ours"] = round(found["cpu_s"] / ours["cpu_s"], 1)
                print(json.dumps({"minutes": minutes, "rooms": options.rooms, **found}), flush=True)


if __name__ == "__main__":
    main()
