"""Small edits of an ONNX graph on its bytes, so that the `onnx` package is not needed at run time.

An exported model often computes more than it returns (how long each phoneme lasts) and fixes what one would like to
turn (its pitch curve). Both need only additions. In protobuf, what follows the end of a message is merged into it
(embedded messages are merged, repeated fields appended: protobuf encoding guide, "Last One Wins"), so new outputs,
inputs and nodes are appended to the file, and a tensor that a new node takes over is renamed in place by a name of
equal length. Field numbers are those of onnx.proto, IR version 3 and later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP = 1, 2, 3, 4
_FLOAT = 1  # TensorProto.DataType


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _put(number: int, payload: bytes | int) -> bytes:
    """One field: an int as a varint, bytes with their length before them."""
    if isinstance(payload, int):
        return _varint(number << 3 | _VARINT) + _varint(payload)
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _fields(data: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yields `(number, start, end)` of every length-delimited field of the message at start..end."""
    at = start
    while at < end:
        key, at = _read_varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            _, at = _read_varint(data, at)
        elif wire == _BYTES:
            size, at = _read_varint(data, at)
            yield key >> 3, at, at + size
            at += size
        elif wire in (_FIXED32, _FIXED64):
            at += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"not an ONNX file: wire type {wire} before byte {at}")


def _value_info(name: str, shape: tuple[int | str, ...] | None) -> bytes:
    """ValueInfoProto of a float tensor; a str in `shape` names a free dimension, None leaves the shape open."""
    tensor = _put(1, _FLOAT)
    if shape is not None:
        dims = [_put(1, _put(2, d.encode()) if isinstance(d, str) else _put(1, d)) for d in shape]
        tensor += _put(2, b"".join(dims))
    return _put(1, name.encode()) + _put(2, _put(1, tensor))


@dataclass(frozen=True)
class Node:
    """One operation of the graph; `output_places`: where in the file the names of its outputs stand."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    output_places: list[tuple[int, int]]


@dataclass(frozen=True)
class Graph:
    """What a model computes: its operations and the names of what goes in and comes out."""

    nodes: list[Node]
    inputs: list[str]
    outputs: list[str]

    def maker(self, tensor: str) -> Node | None:
        """The node that makes a tensor."""
        return next((n for n in self.nodes if tensor in n.outputs), None)

    def readers(self, tensor: str, op: str) -> list[Node]:
        """The nodes of one kind that read a tensor."""
        return [n for n in self.nodes if n.op == op and tensor in n.inputs]


def read_graph(model: bytes) -> Graph:
    """The graph of a serialised model.

    Raises: ValueError if the bytes are no ONNX model.
    """
    data, graph = memoryview(model), Graph([], [], [])
    try:
        for number, start, end in _fields(data, 0, len(data)):
            if number != _MODEL_GRAPH:
                continue
            for inner, a, b in _fields(data, start, end):
                if inner == _GRAPH_NODE:
                    graph.nodes.append(_read_node(data, a, b))
                elif inner in (_GRAPH_INPUT, _GRAPH_OUTPUT):
                    names = [bytes(data[x:y]).decode() for n, x, y in _fields(data, a, b) if n == 1]
                    (graph.inputs if inner == _GRAPH_INPUT else graph.outputs).append(names[0])
    except (IndexError, UnicodeDecodeError) as e:
        raise ValueError("not an ONNX file, or one cut short") from e
    if not graph.nodes:
        raise ValueError("not an ONNX file: it has no graph")
    return graph


def _read_node(data: memoryview, start: int, end: int) -> Node:
    texts: dict[int, list[str]] = {}
    places: list[tuple[int, int]] = []
    for part, a, b in _fields(data, start, end):
        if part in (_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP):
            texts.setdefault(part, []).append(bytes(data[a:b]).decode())
            if part == _NODE_OUTPUT:
                places.append((a, b))
    op, name = texts.get(_NODE_OP, [""])[0], texts.get(_NODE_NAME, [""])[0]
    return Node(op, name, texts.get(_NODE_INPUT, []), texts.get(_NODE_OUTPUT, []), places)


def _made_at(model: bytes, tensor: str) -> tuple[int, int]:
    """Where the bytes of `tensor`'s name stand as the output of the node that makes it."""
    node = read_graph(model).maker(tensor)
    if node is None:
        raise ValueError(f"the model's graph has no tensor {tensor}")
    return node.output_places[node.outputs.index(tensor)]


def add_output(model: bytes, tensor: str) -> bytes:
    """The model with its inner float `tensor` as one more output.

    Raises: ValueError if no node makes that tensor.
    """
    _made_at(model, tensor)
    return model + _put(_MODEL_GRAPH, _put(_GRAPH_OUTPUT, _value_info(tensor, None)))


def add_factor(model: bytes, tensor: str, factor: str, shape: tuple[int | str, ...]) -> bytes:
    """The model with one more float input `factor` of `shape`, by which `tensor` is multiplied (broadcast) before
    anything reads it.

    Raises: ValueError if no node makes that tensor.
    """
    start, end = _made_at(model, tensor)
    before = model[start : end - 1] + b"~"
    node = (
        _put(_NODE_INPUT, before) + _put(_NODE_INPUT, factor.encode()) + _put(_NODE_OUTPUT, tensor.encode())
    )
    node += _put(_NODE_NAME, f"/added/{factor}".encode()) + _put(_NODE_OP, b"Mul")
    added = _put(_GRAPH_NODE, node) + _put(_GRAPH_INPUT, _value_info(factor, shape))
    return b"".join((model[:start], before, model[end:], _put(_MODEL_GRAPH, added)))
