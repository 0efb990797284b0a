# The library is not looked into: its types cost the checker minutes and gigabytes and are narrower than what it takes.
from typing import Any

def __getattr__(name: str) -> Any: ...
