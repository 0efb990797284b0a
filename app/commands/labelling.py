"""`soundbound label`: a language model's labels for what the rules are unsure of: speakers, feelings, scenes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from app.commands.output import print_json
from app.commands.speakers import Output
from app.settings import load_settings
from models.llm import Answers, Endpoint, ask
from story import emotion_questions, scene_questions
from story.attribution import labelling as speaker_questions
from story.errors import InputError
from story.loading import load_novel
from story.novel import Novel
from story.novel_file import write_novel
from story.questions import Batch, Estimate
from story.questions import estimate as estimate_of

What = Literal["speakers", "emotions", "scenes", "all"]


@dataclass(frozen=True)
class _Kind:
    """One kind of question: what is in question, below which confidence, and what becomes of the labels."""

    ask: Callable[[Novel, float], list[Batch]]
    below: float
    take: Callable[[Novel, Mapping[str, str]], tuple[Novel, int]]
    unit: str


_KINDS = {
    "speakers": _Kind(
        speaker_questions.batches, speaker_questions.BELOW, speaker_questions.labelled, "speakers"
    ),
    "emotions": _Kind(emotion_questions.batches, emotion_questions.BELOW, emotion_questions.felt, "feelings"),
    "scenes": _Kind(
        scene_questions.batches, scene_questions.BELOW, scene_questions.noted, "places, hours and weathers"
    ),
}


def label(
    novel: Path,
    *,
    what: What = "speakers",
    url: str | None = None,
    model: str | None = None,
    below: float | None = None,
    estimate: bool = False,
    output: Output = None,
    json: bool = False,
) -> int:
    """Ask a language model what the rules are unsure of. Optional; needs the extra `llm`.

    Any OpenAI-compatible endpoint will do, a local one (Ollama, llama.cpp, vLLM) included. Sent are the uncertain
    lines or scenes with what stands around them and a list of possible answers; taken back are labels only. What a
    person corrected or wrote is never asked. A key for the endpoint is read from the setting `llm_key`.

    Parameters
    ----------
    novel
        The novel as JSON.
    what
        Who speaks, with what feeling, where and when scenes are, or all three.
    url
        The endpoint, such as http://localhost:11434/v1 (default: the setting `llm_url`).
    model
        The model's name there (default: the setting `llm_model`).
    below
        What is less certain than this is asked (default: 0.9 for speakers, 0.5 for emotions and scenes).
    estimate
        Only tell how much would be asked.
    output
        Where to write the novel (default: the novel itself).
    json
        Print one JSON object.
    """
    settings = load_settings()
    book = load_novel(novel)
    kinds = list(_KINDS) if what == "all" else [what]
    console = Console(stderr=True, highlight=False)
    questions = {k: _KINDS[k].ask(book, _KINDS[k].below if below is None else below) for k in kinds}
    planned = {k: estimate_of(q, book.language) for k, q in questions.items()}
    total = _sum(list(planned.values()))
    for kind, plan in planned.items():
        console.print(
            f"{plan.lines} {_KINDS[kind].unit} in {plan.batches} questions: about {plan.input_tokens:,} tokens to read "
            f"and {plan.output_tokens:,} to write",
            markup=False,
        )
    if estimate:
        if json:
            print_json({"status": "completed", "estimate": asdict(total)})
        return 0
    url, model = url or settings.llm_url, model or settings.llm_model
    if not url or not model:
        raise InputError(
            "no endpoint or no model is named",
            where="--url, --model",
            remedy="name both, or set llm_url and llm_model in soundbound.toml",
        )
    endpoint = Endpoint(url, model, settings.llm_key or "")
    answers: dict[str, Answers] = {}
    labels = changed = 0
    for kind in kinds:
        answers[kind] = ask(
            questions[kind],
            endpoint,
            settings.home / "llm",
            lambda done, of: console.print(f"{done} of {of}", end="\r"),
        )
        book, new = _KINDS[kind].take(book, answers[kind].labels)
        labels, changed = labels + len(answers[kind].labels), changed + new
    target = output or novel
    write_novel(book, target)
    usage = {
        k: sum(getattr(a, k) for a in answers.values())
        for k in ("asked", "cached", "failed", "input_tokens", "output_tokens")
    }
    warnings = [warning for a in answers.values() for warning in a.warnings]
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if json:
        print_json(
            {
                "status": "degraded" if usage["failed"] else "completed",
                "output": str(target),
                "lines_labelled": labels,
                "lines_changed": changed,
                "estimate": asdict(total),
                "usage": usage,
                "warnings": warnings,
            }
        )
    else:
        Console(highlight=False).print(
            f"{labels} labels, {changed} changed what the rules said; {usage['input_tokens']:,} tokens read, "
            f"{usage['output_tokens']:,} written; written to {target}",
            markup=False,
        )
    return 3 if usage["failed"] else 0


def _sum(plans: list[Estimate]) -> Estimate:
    return Estimate(
        sum(p.lines for p in plans),
        sum(p.batches for p in plans),
        sum(p.input_tokens for p in plans),
        sum(p.output_tokens for p in plans),
    )
