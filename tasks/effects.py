"""Stage: effects. Generated, or from the library folder where it has the sound."""

from __future__ import annotations

from models.base import SoundRequest
from models.machine import Machine
from story.timeline import Timeline
from tasks.generation import Generated, Wanted, make, stable_seed, want
from tasks.sound_engines import SoundEngines
from tasks.stage import stage


def effect_requests(timeline: Timeline, engines: SoundEngines, seed: int) -> list[Wanted]:
    """The seed comes from the sound and its variant, so that a book's doors are a few takes and not a hundred."""
    wanted = []
    for effect in timeline.effect_segments:
        request = SoundRequest(
            id=effect.id,
            kind="effect",
            sound=effect.sound,
            ucs=effect.ucs,
            prompt=effect.prompt,
            duration_s=effect.duration_s,
            seed=stable_seed(seed, effect.sound, effect.prompt, effect.variant),
        )
        wanted.append(want(engines.engine_for(request), request))
    return wanted


@stage("generate effects")
def generate_effects(absent: list[Wanted], machine: Machine) -> Generated:
    return make("effects", "effect", absent, machine)
