"""Voices that an engine learns from a recording: `<home>/voices/<name>/` with a clip for each emotion.

    voices/ahab/voice.json      {"gender": "male", "age": "old", "languages": ["en"], "description": "…"}
    voices/ahab/neutral.wav     5 to 20 s of clean speech; MegaTTS3 needs neutral.npy, the published latent, beside it
    voices/ahab/neutral.txt     its words, for engines that read them
    voices/ahab/angry.wav …     the same voice with a feeling, for engines that are told feelings by example

Every clip's hash is part of the voice's parameters, so another recording is another take.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.emotion_names import names, resolve
from story.cast import Voice
from story.errors import InputError
from story.novel import Age, Gender

# Where a voice's median pitch is not told: adults' habitual f0 (Baken & Orlikoff 2000, table 6-3), and children's.
USUAL_PITCH_HZ = {"male": 120.0, "female": 210.0, "neutral": 165.0, "unknown": 165.0}
CHILD_PITCH_HZ = 265.0


class About(BaseModel):
    """voice.json: who is heard. Only `languages` and what differs from the defaults need to be there."""

    model_config = ConfigDict(extra="forbid")

    gender: Gender = "unknown"
    age: Age = "adult"
    languages: list[str] = Field(min_length=1, description='BCP 47 tags, e.g. ["en"]')
    pitch_hz: float | None = Field(default=None, gt=0)
    narrator_rank: int | None = None
    accent: str = ""
    description: str = ""


def reference_voices(folder: Path, model: str, needs: tuple[str, ...]) -> list[Voice]:
    """The voices in `folder` that have a neutral clip with every suffix of `needs`.

    Raises:
        InputError: a voice.json that cannot be read, or a clip named after no known emotion.
    """
    found = []
    for path in sorted(folder.glob("*/voice.json")):
        place = path.parent
        if not all((place / f"neutral{suffix}").is_file() for suffix in needs):
            continue
        try:
            about = About.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as e:
            first = e.errors()[0] if isinstance(e, ValidationError) else {"loc": (), "msg": str(e)}
            field = ".".join(map(str, first["loc"])) or "the file"
            raise InputError(f"{field}: {first['msg']}", where=str(path), remedy="see docs/gpu.md") from e
        usual = CHILD_PITCH_HZ if about.age == "child" else USUAL_PITCH_HZ[about.gender]
        found.append(
            Voice(
                id=place.name,
                model=model,
                languages=about.languages,
                gender=about.gender,
                age=about.age,
                pitch_hz=about.pitch_hz or usual,
                narrator_rank=about.narrator_rank,
                accent=about.accent,
                description=about.description,
                parameters={"name": place.name, "clips": _clips(place, needs)},
            )
        )
    return found


def _clips(place: Path, needs: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Canonical emotion → {"file": the clip's name without suffix, "sha256": of all its files}."""
    clips = {}
    for wav in sorted(place.glob("*.wav")):
        emotion = resolve(wav.stem, "emotions")
        if emotion is None:
            known = ", ".join(sorted(set(names("emotions").values())))
            raise InputError(
                "is named after no known emotion", where=str(wav), remedy=f"rename it to one of: {known}"
            )
        files = [wav.with_suffix(s) for s in (".wav", ".npy", ".txt") if wav.with_suffix(s).is_file()]
        if all(wav.with_suffix(s) in files for s in needs):
            digest = "".join(_sha256(f, f.stat().st_mtime_ns) for f in files)
            clips[emotion] = {"file": wav.stem, "sha256": hashlib.sha256(digest.encode()).hexdigest()}
    return clips


@cache
def _sha256(path: Path, mtime_ns: int) -> str:
    """`mtime_ns` makes the cache forget a file that was replaced."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
