"""The page in a real browser, as a person uses it: drop a book, watch, listen, change a line, cancel."""

from __future__ import annotations

import base64
import copy
import fcntl
import html
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.orchestration import get_client

from app.page.edit import named_in
from app.page.run import in_words
from app.page.words import Words, tongue_of
from flows.limit import limit_name
from tests.browser import DESKTOP, PHONE, browser
from tests.conftest import STORM, new_home
from tests.epubs import make_epub, page
from tests.proxy import proxy
from tests.service import Service, serving

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0));
const file = new File([bytes], arguments[1]);
const data = new DataTransfer();
data.items.add(file);
const happens = (on, name) =>
  document.querySelector(on).dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
happens(".q-uploader", "dragover");
setTimeout(() => happens(".q-uploader__dnd", "drop"), 300);
"""
STEPS = """
return Object.fromEntries([...document.querySelectorAll(".sb-step")].map(
  s => [s.dataset.stage, [s.dataset.state, s.querySelector(".sb-count").textContent]]))
"""


@pytest.fixture(scope="module")
def service(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With a home of its own: takes that another test has made would not be seen being made."""
    home = new_home(tmp_path_factory.mktemp("page") / "home")
    with serving(home, SOUNDBOUND_PREFECT_API_URL=server) as running:
        yield running


@pytest.fixture(scope="module")
def window() -> Iterator[Chrome]:
    with browser() as opened:
        yield opened


def until(true: Callable[[], Any], within_s: float = 60, every_s: float = 0.2) -> Any:
    """What `true` returns once it is something; errors of a page that is just changing are waited over."""
    from selenium.common.exceptions import WebDriverException

    deadline, last = time.monotonic() + within_s, None
    while time.monotonic() < deadline:
        try:
            if found := true():
                return found
        except WebDriverException as e:
            last = e
        time.sleep(every_s)
    raise AssertionError(f"not within {within_s} s; last: {last}")


def text(window: Chrome, css: str) -> str:
    return window.execute_script("return document.querySelector(arguments[0])?.textContent || ''", css)


def click(window: Chrome, css: str) -> None:
    until(
        lambda: window.execute_script(
            "const e = document.querySelector(arguments[0]); e?.click(); return !!e", css
        )
    )


def drop(window: Chrome, url: str, name: str, content: bytes) -> None:
    """Drop a file on the first page."""
    window.get(url)
    until(lambda: window.execute_script("return !!document.querySelector('.q-uploader')"))
    time.sleep(1)  # its websocket
    window.execute_script(DROP, base64.b64encode(content).decode(), name)


def render(window: Chrome, service: Service, title: str, name: str, content: bytes) -> None:
    """Drop a book, choose the draft voice, and go on to its run's page."""
    drop(window, service.url, name, content)
    until(lambda: title in text(window, "h1"))
    choose(window, "Voices by", "hibari")
    click(window, "#sb-render")
    until(lambda: "/runs/" in window.current_url)


def choose(window: Chrome, label: str, option: str) -> None:
    """Pick an option of a select by its label, as the mouse does."""
    from selenium.webdriver.common.by import By

    field = f"//*[contains(@class, 'q-select')][.//*[contains(text(), '{label}')]]"
    until(lambda: window.find_element(By.XPATH, field).click() or True)
    wanted = f"//*[contains(@class, 'q-menu')]//*[contains(@class, 'q-item')][contains(., '{option}')]"
    until(lambda: window.find_element(By.XPATH, wanted).click() or True)


def task_of(window: Chrome) -> str:
    return window.current_url.rpartition("/")[2]


STORMY = """<h2>The Knock</h2>
<p>It was night, and the rain fell steadily on the dark road.</p>
<p>Suddenly somebody knocked three times at the door of the inn.</p>
<p>“Who is there at this hour?” asked Tom in a low voice.</p>
<p>“Open the door! They are coming!” cried Anna.</p>
<p>A pistol shot rang out from the hill, and then the door opened with a creak.</p>
<p>“Come in quickly, and be quiet,” whispered Tom.</p>
<p>She came in, and her footsteps rang on the stone floor.</p>"""


def test_a_dropped_epub_is_rendered_watched_heard_and_changed(
    service: Service, window: Chrome, tmp_path: Path
) -> None:
    title = "A Storm <b>on the page</b>"
    epub = make_epub(tmp_path / "storm.epub", {"c1.xhtml": page(STORMY)}, title=html.escape(title))
    render(window, service, title, "storm.epub", epub.read_bytes())
    seen: dict[str, set[str]] = {}
    deadline = time.monotonic() + 240
    while text(window, "#sb-status") != "completed":
        for stage, (state, _) in window.execute_script(STEPS).items():
            seen.setdefault(stage, set()).add(state)
        assert time.monotonic() < deadline, (text(window, "#sb-status"), text(window, "#sb-message"))
        assert text(window, "#sb-status") != "failed", text(window, "#sb-message")
        time.sleep(0.15)
    for stage in ("dialogue", "environment", "effects", "mix"):
        assert "active" in seen[stage], f"{stage} was seen under way: {seen}"
        assert "ahead" in seen[stage], stage
    lines = until(
        lambda: window.execute_script(
            "return [...document.querySelectorAll('.sb-line .sb-say')].map(l => l.textContent)"
        )
    )
    assert any("Who is there at this hour?" in line for line in lines), lines
    assert "Tom" in text(window, ".sb-text"), "who speaks was found in the book"
    assert window.execute_script("return document.querySelectorAll('.sb-text b').length") == 0
    assert "<b>" in text(window, "h1"), "a title is text, whatever is in it"

    # click a line: it is heard from there, and marked
    click(window, ".sb-line:nth-of-type(4) .sb-say")
    playing = "const a = document.getElementById('sb-audio'); return !a.paused && a.currentTime > 0.2 ? a.currentTime : 0"
    assert until(lambda: window.execute_script(playing)) > 5
    marked = "return [...document.querySelectorAll('.sb-line')].findIndex(l => l.getAttribute('aria-current') === 'true')"
    assert until(lambda: window.execute_script(marked)) >= 3
    window.execute_script(
        "const a = document.getElementById('sb-audio'); a.pause(); a.currentTime = Number(document.querySelector('.sb-line').dataset.start) + 0.2"
    )
    until(lambda: window.execute_script(marked) == 0)
    # a stem, from the same place
    click(window, "#sb-tracks button:nth-of-type(2)")
    until(lambda: "stems/dialogue" in window.execute_script("return document.getElementById('sb-audio').src"))
    until(lambda: window.execute_script("return document.getElementById('sb-audio').duration > 10"))

    # change one line: one take is made
    first = task_of(window)
    click(window, ".sb-line:nth-of-type(5) .sb-pencil")
    until(lambda: window.execute_script("return document.querySelector('#sb-edit-content, textarea')?.value"))
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    field = window.find_element(By.CSS_SELECTOR, ".q-dialog textarea")
    until(lambda: field.is_displayed())
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("asked Tom, and he turned very pale.")
    time.sleep(0.5)
    click(window, "#sb-edit-render")
    until(lambda: "/runs/" in window.current_url and task_of(window) != first)
    until(lambda: text(window, "#sb-status") == "completed", 240)
    results = service.get(f"/tasks/{task_of(window)}/results")
    assert results["takes_generated"] == 1
    until(lambda: "turned very pale" in text(window, ".sb-text"))
    assert not [x for x in window.get_log("browser") if x["level"] == "SEVERE"]


def test_cancel_ends_a_run_soon_and_frees_the_device(service: Service, window: Chrome, server: str) -> None:
    long = copy.deepcopy(STORM)
    long["title"] = "A Long Storm"
    lines = long["chapters"][0]["segments"]
    long["chapters"][0]["segments"] = [
        {**line, "content": f"{line['content']} And that was the {n}th time it happened in that long night."}
        for n in range(25)
        for line in lines
    ]
    render(window, service, long["title"], "long.json", json.dumps(long).encode())
    until(lambda: window.execute_script(STEPS)["dialogue"][0] == "active", 120)
    click(window, "#sb-cancel")
    asked = time.monotonic()
    click(window, "#sb-stop")
    until(lambda: text(window, "#sb-status") == "cancelled", 30)
    took_s = time.monotonic() - asked
    with get_client(sync_client=True) as client:
        slots = limit_name("gpu")
        until(lambda: client.read_global_concurrency_limit_by_name(slots).active_slots == 0, 75)
    freed_s = time.monotonic() - asked
    with (service.home / "locks" / "cpu.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print(f"cancelled after {took_s:.1f} s, the slot free after {freed_s:.1f} s")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_fits_speaks_chinese_and_can_be_walked_by_keyboard(
    service: Service, size: tuple[int, int]
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    with browser(size, "zh-CN") as window:
        window.get(service.url)
        until(lambda: "作品库" in text(window, "main"))
        assert window.execute_script("return document.documentElement.lang") == "zh-Hans"
        assert window.execute_script("return document.documentElement.scrollWidth") <= size[0]
        reached = set()
        for _ in range(12):
            window.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
            active = window.switch_to.active_element
            reached.add(active.get_attribute("id") or active.tag_name)
        assert {"sb-language", "sb-theme"} <= reached
        click(window, "#sb-language")
        until(lambda: "Library" in text(window, "main"))
        click(window, "#sb-theme")
        until(lambda: window.execute_script("return document.body.classList.contains('body--dark')"))


def test_what_is_no_book_is_told_in_a_sentence(service: Service, window: Chrome) -> None:
    drop(window, service.url, "broken.json", b'{"chapters": [{"segments": [{"speaker": "a"}]}]}')
    said = until(lambda: text(window, ".q-notification"))
    assert "content" in said
    assert "Traceback" not in said
    window.get(f"{service.url}/runs/not-a-task")
    until(lambda: "no such task" in text(window, "main"))


def test_behind_a_proxy_at_a_path_everything_is_found(
    service: Service, server: str, window: Chrome, tmp_path: Path
) -> None:
    """Another `serve` for the same Prefect server, so that the runs of the tests before are there to be opened."""
    home = new_home(tmp_path / "home")
    elsewhere = {"SOUNDBOUND_PREFECT_API_URL": server, "SOUNDBOUND_LIBRARY": str(service.home / "library")}
    with (
        serving(home, ["--no-worker", "--root-path", "/sound"], **elsewhere) as inner,
        proxy(httpx.URL(inner.url).port or 0, "/sound") as outside,
    ):
        window.get(outside)
        click(window, ".sb-runs a")
        until(lambda: window.current_url.startswith(f"{outside}/runs/"))
        window.get(outside)
        done = until(
            lambda: window.execute_script(
                "return [...document.querySelectorAll('.sb-runs a')].find(a => a.querySelector('.sb-completed'))?.href"
            )
        )
        window.get(done)
        until(lambda: text(window, "#sb-status") == "completed")
        click(window, ".sb-line:nth-of-type(2) .sb-say")
        playing = "const a = document.getElementById('sb-audio'); return !a.paused && a.currentTime"
        assert until(lambda: window.execute_script(playing)) > 0
        drop(window, outside, "broken.json", b"{")
        assert until(lambda: text(window, ".q-notification")), "its websocket and upload go through as well"
        assert not [x for x in window.get_log("browser") if "404" in x["message"]]


def test_every_word_is_there_in_both_languages() -> None:
    table = json.loads((Path(__file__).parent.parent / "app" / "page" / "words.json").read_text("utf-8"))
    import string

    for key, both in table.items():
        assert set(both) == {"en", "zh"}, key
        holes = [{f for _, f, _, _ in string.Formatter().parse(both[t]) if f} for t in ("en", "zh")]
        assert holes[0] == holes[1], key
    assert in_words(Words("zh"), "chapter 2 of 12") == "第 2 章，共 12 章"
    assert in_words(Words("zh"), "3 before it in the queue") == "前面还有 3 个任务"
    assert in_words(Words("zh"), "no voice of that name") == "no voice of that name"
    assert Words("en").many("n_lines", 1) == "1 line"
    assert Words("en").many("n_lines", 2) == "2 lines"
    for part in ("emotions", "styles"):
        named = named_in(part, "zh")
        assert list(named) == list(named_in(part, "en")), "the same choices, whatever they are called"
        assert all("\u4e00" <= name[0] <= "\u9fff" for name in named.values()), named
    assert tongue_of({}, "zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert tongue_of({"soundbound_language": "en"}, "zh-CN") == "en"
    assert tongue_of({}, "fr-FR,de") == "en"
    assert Words("zh").time(125) == "2 分 5 秒"
