"""`soundbound schedule`: what `soundbound serve` renders by itself, night by night."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from app.commands.output import print_json
from app.server import prefect_server
from app.settings import Settings, load_settings
from story.errors import InputError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import DeploymentSchedule

DEPLOYMENT = "render-new-chapters/render-new-chapters"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

schedule = App(name="schedule", help="Render new chapters of a folder or novel file by the clock.")


@schedule.command
def add(
    watch: Path,
    *,
    cron: str | None = None,
    every: str | None = None,
    timezone: str | None = None,
    name: str | None = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    speech: str = "auto",
    sound: str = "auto",
    format: Literal["mp3", "m4a"] = "mp3",
    profile: Literal["drama", "podcast", "broadcast"] = "podcast",
    seed: int = 0,
    shelf: Path | None = None,
    base_url: str | None = None,
    cover: Path | None = None,
    description: str = "",
    json: bool = False,
) -> int:
    """Watch a folder or a novel file: what is new or changed is rendered and put into a podcast feed.

    `soundbound serve` must be up when the time comes; a time it missed is made up for by the next.

    Parameters
    ----------
    watch
        A novel file that grows, or a folder into which chapters are put.
    cron
        When, as cron writes it: "0 3 * * *" is every night at three (the default).
    every
        Or how often: 30m, 6h, 1d.
    timezone
        Of the cron times, e.g. Europe/Berlin; this machine's own if left out.
    name
        The schedule's name; the watched name if left out. Adding a name again replaces it.
    output
        Folder for the finished chapters.
    speech
        Speech model; auto takes the best installed one.
    sound
        Model for beds and effects.
    format
        mp3 or m4a: what podcast apps play.
    profile
        Loudness: podcast -16 LUFS, drama -18 LUFS, broadcast -23 LUFS.
    seed
        Another seed gives other takes.
    shelf
        Folder for the listener's files and the feed; <home>/shelf if left out, which serve offers at /feeds.
    base_url
        The address under which the shelf can be reached from a phone.
    cover
        JPEG or PNG, square, 1400 to 3000 pixels.
    description
        What the show is about.
    json
        Print one JSON object.
    """
    when = _when(cron, every, timezone)
    watch = watch.expanduser().resolve()
    if not watch.exists():
        raise InputError("there is no such file or folder", where=str(watch))
    from flows.options import FeedOptions, RenderOptions

    options = RenderOptions(
        output=output.expanduser().resolve(),
        speech=speech,
        sound=sound,
        format=format,
        profile=profile,
        seed=_not_negative(seed),
    )
    feed = FeedOptions(
        shelf=shelf and shelf.expanduser().resolve(),
        base_url=base_url,
        cover=cover and cover.expanduser().resolve(),
        description=description,
    )
    parameters = {
        "watch": str(watch),
        "options": options.model_dump(mode="json"),
        "feed": feed.model_dump(mode="json"),
    }
    slug = _slug(name or watch.stem)
    settings = load_settings()
    with prefect_server(settings.home, settings.prefect_api_url, _tell):
        from app.deployments import register

        with _client() as client:
            register(client)
            deployment = client.read_deployment_by_name(DEPLOYMENT)
            for old in client.read_deployment_schedules(deployment.id):
                if old.slug == slug:
                    client.delete_deployment_schedule(deployment.id, old.id)
            client.create_deployment_schedules(
                deployment.id, [(when, True)], parameters=parameters, slug=slug
            )
            made = next(s for s in client.read_deployment_schedules(deployment.id) if s.slug == slug)
    if json:
        print_json({"status": "completed", "schedule": _row(made)})
    else:
        _tell(f"{slug}: {_row(made)['when']}; soundbound serve renders it")
    return 0


@schedule.command(name="list")
def list_schedules(*, json: bool = False) -> int:
    """List the schedules.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    with _server(load_settings()), _client() as client:
        rows = [_row(s) for s in _schedules(client)]
    if json:
        print_json({"schedules": rows})
        return 0
    table = Table(title=f"{len(rows)} schedules", title_justify="left")
    for column in ("name", "when", "watch", "output"):
        table.add_column(column)
    for row in rows:
        table.add_row(row["name"], row["when"] if row["active"] else "paused", row["watch"], row["output"])
    Console().print(table)
    return 0


@schedule.command
def remove(name: str, *, json: bool = False) -> int:
    """Remove a schedule; what it has rendered stays.

    Parameters
    ----------
    name
        As `soundbound schedule list` shows it.
    json
        Print one JSON object.
    """
    with _server(load_settings()), _client() as client:
        found = {s.slug: s for s in _schedules(client)}
        if name not in found:
            known = ", ".join(str(slug) for slug in found) or "none"
            raise InputError(f"there is no schedule {name!r}", remedy=f"there are: {known}")
        client.delete_deployment_schedule(client.read_deployment_by_name(DEPLOYMENT).id, found[name].id)
    if json:
        print_json({"status": "completed", "removed": name})
    else:
        _tell(f"{name} is removed")
    return 0


def _when(cron: str | None, every: str | None, timezone: str | None) -> Any:
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    if cron and every:
        raise InputError("give --cron or --every, not both")
    if every is not None:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", every.strip())
        seconds = float(match[1]) * UNITS[match[2]] if match else 0
        if seconds < 1:
            raise InputError(f"{every!r} is no length of time", where="--every", remedy="write 30m, 6h or 1d")
        return IntervalSchedule(interval=timedelta(seconds=seconds))
    zone = timezone or _local_zone()
    try:
        return CronSchedule(cron=cron or "0 3 * * *", timezone=zone)
    except ValueError:
        raise InputError(
            f"{cron or ''!r} in {zone} is no time that cron knows",
            where="--cron",
            remedy='write minute hour day month weekday, e.g. "30 6 * * 1-5", and a zone such as Europe/Berlin',
        ) from None


def _local_zone() -> str:
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"


def _schedules(client: SyncPrefectClient) -> list[DeploymentSchedule]:
    from prefect.exceptions import ObjectNotFound

    try:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        return []
    return client.read_deployment_schedules(deployment.id)


def _row(schedule: DeploymentSchedule) -> dict[str, Any]:
    given, when = schedule.parameters or {}, schedule.schedule
    interval = getattr(when, "interval", None)
    return {
        "name": schedule.slug or str(schedule.id),
        "when": f"every {interval}"
        if interval
        else f"{getattr(when, 'cron', when)} {getattr(when, 'timezone', '')}",
        "active": schedule.active,
        "watch": str(given.get("watch", "")),
        "output": str(given.get("options", {}).get("output", "")),
    }


def _client() -> SyncPrefectClient:
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


def _server(settings: Settings) -> Any:
    return prefect_server(settings.home, settings.prefect_api_url, _tell)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "serial"


def _not_negative(seed: int) -> int:
    if seed < 0:
        raise InputError("must be 0 or more", where="--seed")
    return seed


def _tell(line: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, style="dim", markup=False)
