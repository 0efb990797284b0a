"""Measures how long the embedded voices take to say the lines of measured.json, and writes the seconds into it.

    python benchmarks/durations/measure.py hibari
    python benchmarks/durations/measure.py kokoro --weights ~/.soundbound/models/kokoro

Every line is rendered by the engine a book would use, neutral, and trimmed as its take would be (models.quality.trim);
fit.py reads the result. Lines: Treasure Island ch. 5, 药, and lines drawn from Treasure Island, The Hound of the
Baskervilles, The Legend of Sleepy Hollow, 社戏 and 明天 (all public domain), four voices an engine and language in
turn. Measured 2026-11 on 2 cores: hibari half a minute, Kokoro four.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from models.base import CannotMake, SpeechModel, SpeechRequest
from models.quality import trim
from models.speech.hibari import Hibari
from models.speech.kokoro import Kokoro

HERE = Path(__file__).parent
VOICES = HERE.parents[1] / "models" / "data" / "voices_hibari.json"


def voice_parameters(engine: str, voice: str) -> dict[str, Any]:
    if engine == "kokoro":
        return {"preset": voice}
    return next(v["parameters"] for v in json.loads(VOICES.read_text(encoding="utf-8")) if v["id"] == voice)


def seconds(model: SpeechModel, line: dict[str, Any]) -> float:
    """The length of the line's trimmed take."""
    voice = voice_parameters(line["engine"], line["voice"])
    made = model.render(SpeechRequest(id="", text=line["text"], voice=voice, language=line["language"]))
    samples, _ = trim(made.samples, made.sample_rate_hz)
    return round(samples.shape[1] / made.sample_rate_hz, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=["hibari", "kokoro"])
    parser.add_argument("--weights", type=Path, help="Kokoro's folder")
    arguments = parser.parse_args()
    model = Hibari({}) if arguments.engine == "hibari" else Kokoro({"weights": str(arguments.weights)})
    path = HERE / "measured.json"
    book = json.loads(path.read_text(encoding="utf-8"))
    mine = [line for line in book["lines"] if line["engine"] == arguments.engine]
    book.setdefault("engines", {})[arguments.engine] = model.version
    for count, line in enumerate(mine, start=1):
        try:
            line["seconds"] = seconds(model, line)
        except CannotMake as reason:
            print(f"left as it was: {line['text'][:40]!r}: {reason}")
        if count % 10 == 0 or count == len(mine):
            path.write_text(json.dumps(book, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            print(f"{count} of {len(mine)}", flush=True)
    print(f"{len(mine)} lines, {sum(line['seconds'] for line in mine):.0f} s of speech")


if __name__ == "__main__":
    main()
