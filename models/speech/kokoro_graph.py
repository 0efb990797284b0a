"""Kokoro's graph, opened up: durations come out, pitch and length of every phoneme can be turned.

Several exports of the model are about, with other names for the same things, so what is needed is found by what the
model's code does (hexgrad/kokoro, `forward_with_tokens`): durations are `clamp(round(sum / speed))`, and the pitch
curve is what `f0_upsamp` enlarges for the sound source, beside the decoder that is conditioned on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.speech.onnx_graph import Graph, add_factor, add_output, read_graph

STRETCH, PITCH = "stretch", "pitch"  # the inputs that are added: (1, tokens) and (1,)


@dataclass(frozen=True)
class Names:
    """Names of a model's inputs and outputs: token ids in, audio and units per token out."""

    tokens: str
    audio: str
    durations: str


def open_up(model: bytes) -> tuple[bytes, Names]:
    """The model with the inputs STRETCH and PITCH (factors, 1 = as it was) and the durations as an output.

    Raises: ValueError if the graph is not Kokoro's.
    """
    graph = read_graph(model)
    unrounded, durations = _durations(graph)
    tokens = [name for name in graph.inputs if name not in {"style", "speed"}]
    if len(tokens) != 1 or not graph.outputs:
        raise ValueError(f"inputs {', '.join(graph.inputs)} are not Kokoro's tokens, style and speed")
    pitch = _pitch(graph)
    if durations not in graph.outputs:
        model = add_output(model, durations)
    model = add_factor(model, unrounded, STRETCH, (1, "sequence_length"))
    model = add_factor(model, pitch, PITCH, (1,))
    return model, Names(tokens[0], graph.outputs[0], durations)


def _durations(graph: Graph) -> tuple[str, str]:
    """The tensors of durations before rounding and at last, in units."""
    for divided in graph.readers("speed", "Div"):
        for rounded in graph.readers(divided.outputs[0], "Round"):
            for clipped in graph.readers(rounded.outputs[0], "Clip"):
                return divided.outputs[0], clipped.outputs[0]
    raise ValueError("no durations (a division by speed, rounded and clipped) in this graph")


def _pitch(graph: Graph) -> str:
    """The f0 curve at the last place where source and decoder still share it."""
    enlarged = next(
        (n for n in graph.nodes if "f0_upsamp" in n.name and n.op in {"Resize", "Upsample"}), None
    )
    if enlarged is None:
        raise ValueError("no pitch curve (f0_upsamp) in this graph")
    curve = enlarged.inputs[0]
    maker = graph.maker(curve)
    if maker is not None and maker.op == "Unsqueeze" and len(graph.readers(maker.inputs[0], "Unsqueeze")) > 1:
        return maker.inputs[0]
    return curve
