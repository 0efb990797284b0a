"""How commands print: one JSON object for programs, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel


def print_pieces(pieces: Iterable[str]) -> None:
    """JSON that comes in pieces on stdout, UTF-8 whatever the terminal's locale."""
    sys.stdout.buffer.writelines(piece.encode() for piece in pieces)
    sys.stdout.buffer.flush()


def print_json(value: BaseModel | dict[str, Any] | list[Any]) -> None:
    """One JSON object on stdout, UTF-8 whatever the terminal's locale."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    sys.stdout.buffer.write((json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode())
    sys.stdout.buffer.flush()
