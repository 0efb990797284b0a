"""Procedural sound: beds and effects computed from physics and probability, nothing sampled."""

from models.sound.procedural.engine import Procedural

__all__ = ["Procedural"]
