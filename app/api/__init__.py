"""The REST API (docs/api.md) and, on the same port, the progress page."""

from app.api.application import create_app

__all__ = ["create_app"]
