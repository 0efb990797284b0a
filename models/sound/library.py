"""A person's own folder of recorded ambiences and effects, found by UCS file names or a manifest.

Which file plays depends only on the request and the folder's content: never on the order a file system lists it
in. What does not match is not made. How a folder is read: models/sound/recordings.py.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from models.base import CannotMake, Rendered, SoundRequest
from models.sound.recordings import Recording, content_hash, read_folder, words_of
from story.errors import InputError

SAMPLE_RATE_HZ = 48_000
SILENCE_DB = -50.0  # below the peak: what is cut off in front of a recorded effect
LEAD_S = 0.005  # kept in front of the first sound, so that its attack is whole
FILE_MAX_S = 900.0  # read at most this much: an hour-long ambience need not enter memory


class Library:
    """Beds and effects from recordings (SoundModel).

    Args (settings): `folder`: the library's path.

    Raises:
        InputError: the folder is missing or holds nothing usable, or the manifest is wrong; names the place.
    """

    lanes = 2  # files are read independently

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        del device
        given = settings.get("folder")
        if not given:
            raise InputError("no effect library folder was given", remedy="set the library's `folder`")
        self.folder = Path(str(given)).expanduser()
        if not self.folder.is_dir():
            raise InputError(
                "the effect library is not a folder", where=str(self.folder), remedy="check the path"
            )
        self.recordings = read_folder(self.folder)
        if not self.recordings:
            raise InputError(
                "the effect library holds no sound named by UCS (CATID_Name.wav) or by library.json",
                where=str(self.folder),
                remedy="rename files like DOORWood_Slam_Me_Home.wav or write a library.json",
            )
        self.version = "library/1-" + content_hash(self.recordings)
        self._used: set[str] = set()

    def find(self, request: SoundRequest) -> Recording:
        """The recording for a request: same sound id before same CatID, then the most words shared with the prompt.

        Among equals the seed and the attempt choose.

        Raises:
            CannotMake: nothing in the folder is of that sound or CatID.
        """
        best: list[Recording] = []
        best_rank = (0, 0)
        wanted = words_of(request.prompt) | words_of(request.sound.replace("_", " "))
        own, others = telling_words(request.kind, request.sound)
        for recording in self.recordings:
            if recording.kind and recording.kind != request.kind:
                continue
            if recording.sound:  # named finer than UCS: nothing else will do
                fit = 2 if recording.sound == request.sound else 0
            elif not recording.ucs or recording.ucs.casefold() != request.ucs.casefold():
                fit = 0
            else:  # "DOORWood_Open" shares its CatID with a slam, but is none
                fit = 0 if recording.words & others and not recording.words & own else 1
            if not fit:
                continue
            rank = (fit, len(wanted & recording.words))
            if rank > best_rank:
                best, best_rank = [], rank
            if rank == best_rank:
                best.append(recording)
        if not best:
            raise CannotMake(
                f"the effect library has no {request.kind} for {request.sound!r} ({request.ucs})"
            )
        key = f"{request.sound}|{request.ucs}|{request.seed}|{request.attempt}".encode()
        return best[int.from_bytes(hashlib.sha256(key).digest()[:8], "big") % len(best)]

    def render(self, request: SoundRequest) -> Rendered:
        """The recording at 48 kHz stereo float32 `(2, n)`, peak ≤ 0.9.

        A bed is cut to the requested length if the recording is longer, else kept whole (the mixer loops it).
        An effect starts at its first sound; it keeps its natural end up to the requested duration and half
        again, then fades.

        Raises:
            CannotMake: no recording matches, or the match is silent.
            InputError: the matching file can't be read; names it.
        """
        recording = self.find(request)
        x = _read(recording.path)
        top = float(np.abs(x).max(initial=0.0))
        if top < 1e-5:
            raise CannotMake(f"{recording.name} in the effect library is silent")
        if request.kind == "effect":
            x = _from_first_sound(x, top)
            x = _fade_out(x, round(request.duration_s * 1.5 * SAMPLE_RATE_HZ))
        elif request.duration_s > 0:
            x = x[:, : max(1, round(request.duration_s * SAMPLE_RATE_HZ))]
        top = float(np.abs(x).max(initial=0.0))
        x = x * np.float32(min(1.0, 0.9 / top)) if top > 0.9 else x
        if recording.credit:
            self._used.add(recording.credit)
        return Rendered(np.ascontiguousarray(x, dtype=np.float32), SAMPLE_RATE_HZ)

    def credits(self) -> list[str]:
        """Attributions of the recordings rendered so far, sorted: they belong into the production's credits."""
        return sorted(self._used)

    def credit_of(self, request: SoundRequest) -> str:
        """The attribution the request's recording asks for, or "". For takes that come from the cache."""
        return self.find(request).credit


@cache
def telling_words(kind: str, sound: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words that tell a sound from its siblings of the same CatID: (its own, theirs). Empty for an only child."""
    rows = json.loads((files("story") / "data" / "sounds.json").read_text(encoding="utf-8"))[kind + "s"]
    words = {row["id"]: words_of(row["prompt"] + " " + row["id"].replace("_", " ")) for row in rows}
    catid = {row["id"]: row["ucs"] for row in rows}
    siblings = [words[i] for i in words if i != sound and catid[i] == catid.get(sound)]
    if not siblings:
        return frozenset(), frozenset()
    theirs = frozenset[str]().union(*siblings)
    return words[sound] - theirs, theirs - words[sound]


def _read(path: Path) -> np.ndarray:
    """A file as 48 kHz stereo float32 `(2, n)`; mono is doubled, of more channels the first two are taken."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate = file.samplerate
            data = file.read(int(FILE_MAX_S * rate), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise InputError(
            f"the recording can't be read: {error}",
            where=str(path),
            remedy="convert it to WAV or FLAC, or remove it",
        ) from error
    if data.shape[1] == 1:
        data = np.repeat(data, 2, axis=1)
    data = data[:, :2]
    if rate != SAMPLE_RATE_HZ and len(data):
        data = soxr.resample(data, rate, SAMPLE_RATE_HZ, quality="HQ")
    return np.nan_to_num(np.ascontiguousarray(data.T, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _from_first_sound(x: np.ndarray, top: float) -> np.ndarray:
    """Cut the silence in front of an effect, keeping a few milliseconds."""
    heard = np.flatnonzero(np.abs(x).max(axis=0) > top * 10 ** (SILENCE_DB / 20))
    start = max(0, int(heard[0]) - round(LEAD_S * SAMPLE_RATE_HZ))
    x = x[:, start:].copy()
    edge = min(48, x.shape[1])
    x[:, :edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    return x


def _fade_out(x: np.ndarray, most: int) -> np.ndarray:
    """Keep at most `most` samples and end in silence: a fifth faded when cut, 10 ms otherwise."""
    most = max(480, most)
    cut = x.shape[1] > most
    x = x[:, :most].copy()
    length = min(x.shape[1], most // 5 if cut else 480)
    x[:, x.shape[1] - length :] *= np.cos(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    return x
