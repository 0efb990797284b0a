"""Asks a language model over any OpenAI-compatible endpoint, a local one included, for labels (story/questions.py).

Needs the extra `llm` (pydantic-ai-slim[openai]). Answers are kept by content in `<home>/llm`, so nothing is asked
twice. An endpoint that is dead, slow or talks nonsense costs its batches the labels: the rules' answer stays and the
result says so; after MAX_FAILURES in a row no more is asked.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, Field

from story.errors import SoundboundError
from story.questions import Batch, accepted

MAX_FAILURES = 2
TIMEOUT_S = 60.0  # of one question; a small local model takes up to half a minute
MAX_OUTPUT_TOKENS = 2000


class Label(BaseModel):
    line: str
    label: str = Field(validation_alias=AliasChoices("label", "speaker", "emotion", "value", "answer"))


class Labels(BaseModel):
    labels: list[Label]


@dataclass(frozen=True)
class Endpoint:
    """Where the model is. `url` ends before /chat/completions, such as http://localhost:11434/v1."""

    url: str
    model: str
    key: str = ""
    timeout_s: float = TIMEOUT_S


@dataclass
class Answers:
    """Labels of all batches, and what they cost.

    Attributes:
        labels: what was in question → what it is (see Batch.lines and candidates).
        refused: labels that were none of those offered, and so counted for nothing.
    """

    labels: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    cached: int = 0
    failed: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    warnings: list[str] = field(default_factory=list)


def ask(
    batches: Sequence[Batch],
    endpoint: Endpoint,
    cache: Path,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Answers:
    """Labels for every batch (all with the same instructions) that the endpoint answers, kept in `cache`.

    Raises:
        SoundboundError: the extra is not installed.
    """
    agent, failures = None, 0
    result = Answers()
    why = ""
    for number, batch in enumerate(batches):
        kept = cache / f"{_key(batch, endpoint)}.json"
        answer = _kept(kept)
        if answer is not None:
            result.cached += 1
        elif failures < MAX_FAILURES:
            agent = agent or _agent(endpoint, batch.instructions)
            try:
                answer = _asked(agent, batch, endpoint, result)
                failures = 0
            except Exception as problem:  # whatever a foreign server can do must not stop the run
                failures += 1
                why = _told(problem)
        if answer is None:
            result.failed += 1
        else:
            found, refused = accepted(batch, answer)
            result.labels |= found
            result.refused += refused
            if not kept.exists():
                _keep(kept, answer)
        progress(number + 1, len(batches))
    if result.failed:
        result.warnings.append(
            f"{result.failed} of {len(batches)} questions were not answered by {endpoint.model} at {endpoint.url} "
            f"({why}); what they asked about stays as the rules left it"
        )
    if result.refused:
        result.warnings.append(
            f"{result.refused} labels named lines or answers that were not offered; they count for nothing"
        )
    return result


def _asked(agent: Any, batch: Batch, endpoint: Endpoint, result: Answers) -> dict[str, str]:
    run = agent.run_sync(batch.question, timeout=endpoint.timeout_s)
    result.asked += 1
    result.input_tokens += run.usage.input_tokens
    result.output_tokens += run.usage.output_tokens
    return {label.line.strip(): label.label.strip() for label in run.output.labels}


def _agent(endpoint: Endpoint, instructions: str) -> Any:
    """A pydantic-ai agent that answers `Labels`; imported late, since it is an extra."""
    try:
        ai = importlib.import_module("pydantic_ai")
        model = importlib.import_module("pydantic_ai.models.openai")
        provider = importlib.import_module("pydantic_ai.providers.openai")
    except ImportError:
        raise SoundboundError(
            "asking a language model needs an extra", remedy='install it: pip install "soundbound[llm]"'
        ) from None
    chat = model.OpenAIChatModel(
        endpoint.model,
        provider=provider.OpenAIProvider(base_url=endpoint.url, api_key=endpoint.key or "none"),
    )
    return ai.Agent(
        chat,
        output_type=ai.PromptedOutput(Labels),
        instructions=instructions,
        retries=1,
        model_settings=ai.ModelSettings(
            temperature=0.0, max_tokens=MAX_OUTPUT_TOKENS, timeout=endpoint.timeout_s, max_retries=0
        ),
    )


def _told(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {text}"[:160]


def _key(batch: Batch, endpoint: Endpoint) -> str:
    return hashlib.sha256(f"{endpoint.model}\0{batch.key}".encode()).hexdigest()


def _kept(path: Path) -> dict[str, str] | None:
    """A kept answer; a damaged one is asked again."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and all(isinstance(v, str) for v in data.values())
    return data if whole else None


def _keep(path: Path, answer: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(answer), encoding="utf-8")
    part.replace(path)
