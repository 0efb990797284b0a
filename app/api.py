"""The REST API (docs/api.md)."""

from __future__ import annotations

from fastapi import FastAPI

from app.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application that `soundbound serve` puts on its port."""
    app = FastAPI(title="Soundbound")

    @app.get("/api/v1/health")
    def health() -> dict:
        return {"success": True, "data": {"status": "ok"}}

    return app
