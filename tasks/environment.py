"""Stage: environment. One bed take for each ambience; the mix loops it to its scene's length.

A bed is asked for at one fixed length, whatever the scene's: so a changed line never costs a new bed, and two scenes
with the same rain share a take.
"""

from __future__ import annotations

from models.base import SoundRequest
from models.machine import Machine
from story.timeline import Timeline
from tasks.generation import Generated, Wanted, make, stable_seed, want
from tasks.sound_engines import SoundEngines
from tasks.stage import stage

BED_S = 30.0  # what text-to-audio models make at most in one go, and enough that a loop does not show


def bed_requests(timeline: Timeline, engines: SoundEngines, seed: int) -> list[Wanted]:
    wanted = []
    for bed in timeline.environment_segments:
        request = SoundRequest(
            id=bed.id,
            kind="bed",
            sound=bed.sound,
            ucs=bed.ucs,
            prompt=bed.prompt,
            duration_s=BED_S,
            seed=stable_seed(seed, bed.sound, bed.prompt),
        )
        wanted.append(want(engines.engine_for(request), request))
    return wanted


@stage("generate environment")
def generate_environment(absent: list[Wanted], machine: Machine) -> Generated:
    return make("environment", "bed", absent, machine)
