"""Stage: dialogue. Every line as a take in its character's voice."""

from __future__ import annotations

from models.base import SpeechRequest
from models.emotion import delivery
from models.machine import Machine
from models.process import EngineSpec
from story.cast import Voice
from story.novel import Novel
from story.timeline import Timeline
from tasks.generation import Generated, Wanted, make, stable_seed, want
from tasks.stage import stage


def speech_requests(
    timeline: Timeline, novel: Novel, voices: dict[str, Voice], engine: EngineSpec, seed: int
) -> list[Wanted]:
    """What each line asks of the engine. The seed comes from seed, voice and text, never from the line's place."""
    wanted = []
    for line in timeline.dialogue_segments:
        how = delivery(line.emotion, line.emotion_intensity, line.style)
        request = SpeechRequest(
            id=line.id,
            text=line.content,
            voice=voices[line.voice_id].parameters,
            language=novel.language,
            speed=how.speed,
            energy_db=how.energy_db,
            pitch_st=how.pitch_st,
            pitch_range=how.pitch_range,
            pause_scale=how.pause_scale,
            emotion=line.emotion,
            intensity=line.emotion_intensity,
            style=line.style,
            instruct=how.instruct,
            emo_vector=how.emo_vector,
            pronunciation={w: p for w, p in novel.pronunciation.items() if w in line.content},
            seed=stable_seed(seed, line.voice_id, line.content),
        )
        wanted.append(want(engine, request))
    return wanted


@stage("generate dialogue")
def generate_dialogue(absent: list[Wanted], machine: Machine) -> Generated:
    return make("dialogue", "line", absent, machine)
