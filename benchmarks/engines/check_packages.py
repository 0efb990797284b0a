"""Are the engines' real packages still as our workers (and the tests' stand-ins) take them to be?

    python benchmarks/engines/check_packages.py megatts3 VENV/bin/python
    python benchmarks/engines/check_packages.py qwen_tts VENV/bin/python
    python benchmarks/engines/check_packages.py indextts25 VENV/bin/python

Compares the signatures of every method the stand-in has with the real one's, in the engine's own venv. No weights are
needed. Results: docs/gpu.md.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

STAND_INS = Path(__file__).resolve().parents[2] / "tests" / "stand_ins"
MODULES = {
    "megatts3": ("infer_cli.py", "megatts3.infer_cli"),
    "qwen_tts": ("__init__.py", "qwen_tts"),
    "indextts25": ("infer_v2_5.py", "indextts25.infer_v2_5"),
}
ASK = """
import importlib, inspect, json, sys
module = importlib.import_module(sys.argv[1])
found = {}
for name in json.loads(sys.argv[2]):
    try:
        thing = module
        for part in name.split("."):
            thing = getattr(thing, part)
        found[name] = list(inspect.signature(inspect.unwrap(thing)).parameters)
    except AttributeError:
        found[name] = None
print("ANSWER" + json.dumps(found))
"""


def stood_in(path: Path) -> dict[str, list[str]]:
    """'Class.method' or 'function' → its parameters, private ones left out."""
    found = {}

    def parameters(f: ast.FunctionDef) -> list[str]:
        names = [a.arg for a in f.args.args]
        return names + ([f.args.kwarg.arg] if f.args.kwarg else [])

    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_speak"):
                    bound = any(
                        isinstance(d, ast.Name) and d.id == "classmethod" for d in method.decorator_list
                    )
                    found[f"{node.name}.{method.name}"] = parameters(method)[1 if bound else 0 :]
    return found


def main(package: str, python: str) -> int:
    file, module = MODULES[package]
    ours = stood_in(STAND_INS / package / file)
    asked = subprocess.run(
        [python, "-c", ASK, module, json.dumps(list(ours))], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        print(f"{package}: the package cannot be imported:\n{asked.stderr[-800:]}")
        return 1
    theirs = json.loads(asked.stdout.split("ANSWER")[1])
    wrong = 0
    for name, parameters in ours.items():
        same = theirs[name] is not None and theirs[name][: len(parameters)] == parameters
        if "kwargs" in parameters and theirs[name] is not None and not same:
            same = theirs[name][: len(parameters) - 1] == parameters[:-1]
        # classify_language is langdetect's detect, which the worker replaces: only its being there counts
        same = same or (name == "classify_language" and theirs[name] is not None)
        wrong += not same
        print(f"{'same ' if same else 'OTHER'} {package}.{name}{'' if same else f': {theirs[name]}'}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
