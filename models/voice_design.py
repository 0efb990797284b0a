"""A voice for a character from its description: designed once, kept as a reference clip that cloning engines use.

The clip says a sentence of the designer's own, so every voice is designed on the same words and can be compared.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import soundfile as sf

from models import catalog
from models.base import SpeechRequest
from models.generate import generate
from models.gpu import lease
from models.machine import Machine
from models.takes import TakeStore, take_key
from story.errors import SoundboundError
from story.novel import Character

DESIGNER = "qwen3-tts-design"
# About eight seconds: enough for a clone, short enough to be quick.
SAYS = {
    "en": "The road runs down to the sea, and from the last house you can hear the waves all night, whatever the weather.",
    "zh": "这条路一直通到海边，从最后一座房子里，整夜都能听见海浪的声音，不管是什么天气。",
}
AGES = {"child": "a child of about ten", "young": "in the early twenties", "old": "in the seventies, aged"}
SEX = {"male": "man", "female": "woman"}


def described(character: Character) -> str:
    """What the designer is told: the book's description, or what is known of gender and age."""
    who = SEX.get(character.gender, "person")
    if character.age == "child":
        who = {"male": "boy", "female": "girl"}.get(character.gender, "child")
    parts = [f"The voice of a {who}", AGES.get(character.age, "in middle age")]
    told = f" {character.description.strip().rstrip('.')}." if character.description else ""
    return f"{', '.join(parts)}, natural and clear.{told}"


def design(
    characters: list[Character], language: str, machine: Machine, tell: Callable[[str], None]
) -> dict[str, Path]:
    """Design and keep a voice for each character that has none in `<home>/voices`; character id → its folder.

    Raises:
        InputError: the designer is not installed; SoundboundError: it could not make a voice.
    """
    folder = machine.home / "voices"
    wanted = [c for c in characters if not (folder / c.id / "voice.json").is_file()]
    if not wanted:
        return {}
    model = catalog.resolve(DESIGNER, "speech", machine, language)
    engine, store = catalog.spec(model, machine), TakeStore(machine.takes_dir)
    text = SAYS["zh" if language.startswith("zh") else "en"]
    requests = {
        c.id: SpeechRequest(c.id, text, {"description": described(c)}, language, seed=1) for c in wanted
    }
    keys = {name: take_key(engine.name, engine.version, r) for name, r in requests.items()}
    absent = [(keys[name], r) for name, r in requests.items() if store.get(keys[name]) is None]
    if absent:
        with lease(
            machine, stage="voice design", model=engine.name, needs_mb=engine.memory_mb, waiting=tell
        ) as held:
            missing = generate(engine, absent, store, machine, held, expected_s=lambda _: 8.0, log=tell)
        if missing:
            raise SoundboundError(
                missing[0].reason, where=f"the voice of {missing[0].id}", remedy="describe it otherwise"
            )
    return {c.id: _keep(c, folder / c.id, text, language, store, keys[c.id]) for c in wanted}


def _keep(character: Character, place: Path, text: str, language: str, store: TakeStore, key: str) -> Path:
    """A designed take as a reference voice; the folder appears whole."""
    take = store.get(key)
    assert take is not None
    new = place.with_name(f".{place.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    samples, rate = sf.read(store.path(take), dtype="float32")
    sf.write(new / "neutral.wav", samples, rate)
    (new / "neutral.txt").write_text(text, encoding="utf-8")
    about = {
        "gender": character.gender,
        "age": "adult" if character.age == "unknown" else character.age,
        "languages": [language.split("-")[0]],
        "description": character.description or described(character),
    }
    (new / "voice.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    new.rename(place)
    return place
