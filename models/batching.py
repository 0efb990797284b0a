"""Which takes go together and how many: pure decisions, from lengths and measured memory.

Takes are made sorted by voice and length: a voice's prompt is prepared once, the items of a batch are alike (little is
padded), and the longest come first, so that too large a batch shows at once. A batch's cost is its *padded length*:
its count times its longest item, in seconds of audio.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field

from models.base import SoundRequest, SpeechRequest

Request = SpeechRequest | SoundRequest
MEMORY_SHARE = 0.9  # of what was free when the device was taken: the rest is reserve for what varies


def voice_of(request: Request) -> str:
    """What a model has to prepare for: the voice and language of speech, the kind of a sound."""
    if isinstance(request, SoundRequest):
        return request.kind
    return request.language + json.dumps(request.voice, sort_keys=True, ensure_ascii=False)


def order(requests: Sequence[Request], lengths_s: Sequence[float]) -> list[int]:
    """Indices in the order of making: by voice, the longest first, otherwise as given."""
    return sorted(range(len(requests)), key=lambda i: (voice_of(requests[i]), -lengths_s[i], i))


def group_of(request: Request, batch_by: Sequence[str]) -> Hashable:
    """What the requests of one batch have in common; raises AttributeError for a field no request has."""
    return tuple(json.dumps(getattr(request, name), sort_keys=True) for name in batch_by)


def fields_of(kind: str) -> set[str]:
    """Names that `batch_by` may hold."""
    sample: Request = (
        SpeechRequest("", "", {}, "") if kind == "speech" else SoundRequest("", "bed", "", "", "", 0.0)
    )
    return set(asdict(sample)) - {"id", "seed", "attempt"}


@dataclass
class Sizer:
    """How many items the next batch may have: doubled while memory allows, halved when it does not.

    Memory is taken to grow with the padded length at most as steeply as the steepest batch measured so far.
    """

    most: int  # what the engine makes at most
    budget_mb: float  # free memory the model may fill
    loaded_mb: float = 0.0  # the model without work
    slope_mb_per_s: float = 0.0  # per padded second; 0: not yet known
    _proven: int = field(default=0, init=False)  # the largest batch that has gone well
    _known: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._known = self.slope_mb_per_s > 0

    def size(self, longest_s: float) -> int:
        """Items for a batch whose longest has `longest_s`; at least one."""
        at_most = self.most if self._known else max(1, 2 * self._proven)
        if self.slope_mb_per_s > 0 and longest_s > 0:
            room_mb = MEMORY_SHARE * self.budget_mb - self.loaded_mb
            at_most = min(at_most, int(room_mb / (self.slope_mb_per_s * longest_s)))
        return max(1, min(self.most, at_most))

    def went_well(self, items: int, padded_s: float, peak_mb: float) -> None:
        self._proven = max(self._proven, items)
        if padded_s > 0:
            self.slope_mb_per_s = max(self.slope_mb_per_s, (peak_mb - self.loaded_mb) / padded_s)

    def too_much(self, items: int) -> None:
        """Memory did not suffice for `items`: never more than half of them again."""
        self.most = max(1, min(self.most, items // 2))
        self._proven = min(self._proven, self.most)
