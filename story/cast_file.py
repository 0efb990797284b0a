"""`cast.json` beside a book: which voice each character has, per speech model. Made for people to read and edit.

    {"format": "soundbound.cast/1", "title": "…", "models": {"kokoro": {"pew": {"name": "Pew", "voice": "am_onyx"}}}}

Change a `voice` and it stays so. Empty or delete one and the character is cast anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from story.errors import InputError
from story.jsonfile import check_tree, clip, quote, read_json
from story.novel import Novel
from story.problems import kind_of

FORMAT = "soundbound.cast/1"
MAX_BYTES = 5 * 2**20  # 5,000 characters for ten models


def read_cast_file(path: Path) -> dict[str, dict[str, str]]:
    """Model → character id → voice id. Characters without a voice are left out.

    Raises:
        InputError: the file can't be read or is not in the form above; names place and remedy.
    """
    path = Path(path)
    data = read_json(path, max_bytes=MAX_BYTES, kind="cast")
    where = str(path)
    check_tree(data, where)
    mend = "mend it, or delete the file to cast anew"
    if not isinstance(data, dict):
        raise InputError(f"a cast must be an object, not {kind_of(data)}", where=where, remedy=mend)
    if data.get("format", FORMAT) != FORMAT:
        raise InputError(
            f"{kind_of(data['format'])} is not a format this version reads", where=where, remedy=mend
        )
    models = _object(data.get("models", {}), f"{where}, models", mend)
    return {
        model: _voices(people, f"{where}, models.{clip(model, 40)}", mend) for model, people in models.items()
    }


def _object(value: Any, where: str, remedy: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"must be an object, not {kind_of(value)}", where=where, remedy=remedy)
    return value


def _voices(people: Any, where: str, remedy: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for character, entry in _object(people, where, remedy).items():
        place = f"{where}.{clip(character, 40)}"
        voice = entry if isinstance(entry, str) else _object(entry, place, remedy).get("voice")
        if voice is not None and not isinstance(voice, str):
            hint = f"write a voice's id in quotation marks, such as {quote('bm_george')}"
            raise InputError(f"voice must be text, not {kind_of(voice)}", where=place, remedy=hint)
        if voice and voice.strip():
            found[character] = voice.strip()
    return found


def write_cast_file(path: Path, novel: Novel, casts: Mapping[str, Mapping[str, str]]) -> None:
    """Writes every model's cast (model → character id → voice id), characters in the novel's order.

    The file is replaced as a whole: a reader sees the old one or the new one.

    Raises:
        InputError: the folder can't be written.
    """
    path = Path(path)
    names = {c.id: c.name for c in novel.characters}
    order = {c: i for i, c in enumerate(names)}
    models = {}
    for model, voices in casts.items():
        people = sorted(voices, key=lambda c: (order.get(c, len(order)), c))
        models[model] = {c: {"name": names.get(c, c), "voice": voices[c]} for c in people}
    text = json.dumps(
        {"format": FORMAT, "title": novel.title, "models": models}, ensure_ascii=False, indent=1
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        reason = (problem.strerror or "unknown").lower()
        raise InputError(
            f"can't be written: {reason}", where=str(path), remedy="check the folder and the disk"
        ) from None
