"""The report's page: says everything, runs nothing that a book or a path puts into it, works in a real browser."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixing.contracts import Check, LineLevel, MixReport, Overview, SpeakerLevel, StemLevel
from tasks.publish import write_report
from tasks.report import lanes_of, report_html
from tasks.report.lanes import scenes_of
from tasks.report.score import score
from tasks.results import ChapterResult, Loudness, MissingSound, Voiced
from tests.test_captions import timeline as spoken

EVIL = "<script>window.pwned=1</script>\"><img src=x onerror='window.pwned=2'>'</title></style>{{ 7*7 }}"


def result(folder: Path, *, evil: str = "", lines: int = 6, speakers: int = 2) -> ChapterResult:
    """A chapter's result as the flow makes it; `evil` is put wherever a text can come from outside."""
    made = spoken(*[(f"who{n % speakers}{evil}", f"Line {n} {evil}", 1.5) for n in range(lines)])
    names = {f"who{n}{evil}": f"Person {n} {evil}" for n in range(speakers)}
    levels = [
        LineLevel(
            segment=s.id,
            speaker=s.speaker,
            mixed_lufs=-17.0 - n / 10,
            correction_db=0.5,
            intent_db=0,
            bed_duck_db=3.0,
            effects_duck_db=0,
            speech_to_bed_lu=16.0 - n if n else None,
        )
        for n, s in enumerate(made.dialogue_segments)
    ]
    steps = int(made.total_duration_s * 10)
    mix = MixReport(
        target_lufs=-18,
        ceiling_dbtp=-1.5,
        master_gain_db=5.2,
        limited_share=0.001,
        speakers=[
            SpeakerLevel(speaker=who, lines=3, takes_lufs=-25, mixed_lufs=-17)
            for who in names
        ],
        lines=levels,
        worst_speech_to_bed=levels[-1],
        overview=Overview(
            peaks=[abs(float(np.sin(n / 9))) for n in range(steps)],
            short_term_lufs=[None] * 29 + [-18.0] * (steps - 29),
            bed_duck_db=[-3.0] * steps,
            effect_duck_db=[0.0] * steps,
            stems=[StemLevel(stem="dialogue", integrated_lufs=-18.1, short_term_max_lufs=-16.0, lra_lu=3.3, share_of_time=0.8)],
        ),
        checks=[Check(name="rms_dbfs", value=-20.5, least=-23, most=-18)],
    )  # fmt: skip
    outputs = {name: folder / f"{name}.flac" for name in ("master", "stems/dialogue", "stems/effects")}
    return ChapterResult(
        status="degraded",
        novel=f"A book {evil}",
        chapter="ch01",
        number=1,
        title=f"A title {evil}",
        language="en",
        speech_model=f"hibari{evil}",
        sound_model="procedural",
        profile="drama",
        seed=0,
        duration_s=made.total_duration_s,
        loudness=Loudness(integrated_lufs=-18.02, true_peak_dbtp=-1.61, lra_lu=4.2),
        takes_generated=6,
        takes_cached=2,
        cast=[
            Voiced(character=who, name=name, voice_id=f"v{evil}", lines=3, seconds=4.5)
            for who, name in names.items()
        ],
        missing=[
            MissingSound(
                kind="line", id="s1", what=f"lost {evil}", reason=f"why {evil}", start_s=2, duration_s=1
            )
        ],
        warnings=[f"a warning {evil}"],
        credits=[f"somebody {evil}"],
        outputs={**outputs, "captions": folder / "captions.vtt", "report_html": folder / "report.html"},
        mix=mix,
        lanes=lanes_of(made, names),
        scenes=scenes_of(made),
    )


def test_the_page_says_everything_that_the_json_holds(tmp_path):
    r = result(tmp_path)
    page = html.unescape(report_html(r))
    for text in (r.novel, r.title, "degraded", "−18.0", "−1.6", "lost", "why", "a warning", "somebody", "Person 1", "Line 5",
                 "11.0 LU", "−18.1", "captions.vtt", 'src="master.flac"', 'src="stems/effects.flac"', "rms dbfs"):  # fmt: skip
        assert text in page, text
    assert "http" not in re.sub(r"http-equiv", "", page), "opens offline: nothing is fetched"
    assert r.mix is not None
    worst = page.index("Line 5", page.index("<h2>Speech over its bed"))
    assert worst < page.index("Line 1", page.index("<h2>Speech over its bed")), "the worst line comes first"
    write_report(r, tmp_path)
    assert ChapterResult.model_validate_json((tmp_path / "report.json").read_text()) == r
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_nothing_from_a_book_becomes_markup(tmp_path):
    page = report_html(result(tmp_path, evil=EVIL))
    assert page.count("<script") == 1, "the page's own"
    assert "<img" not in page
    assert page.count("</title>") >= 1
    assert "49" not in re.findall(r"A title (.*?)</title>", page, re.DOTALL)[0], "no template in a template"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
    st.integers(1, 40),
    st.integers(1, 20),
)
def test_any_chapter_has_a_page_and_everything_lies_inside_its_picture(tmp_path, text, lines, speakers):
    r = result(tmp_path, evil=text, lines=lines, speakers=speakers)
    page = report_html(r)
    assert page.rstrip().endswith("</html>")
    picture = score(r)
    bars = [bar for row in picture.rows for bar in row.bars]
    assert len(bars) == len(r.lanes)
    assert all(0 <= b.x <= 100 and b.width > 0 and b.x + b.width <= 100.1 for b in bars)
    assert len(picture.rows) <= 20


def test_a_chapter_without_mix_or_lines_has_a_page_too(tmp_path):
    r = result(tmp_path).model_copy(
        update={"mix": None, "lanes": [], "scenes": [], "cast": [], "outputs": {}}
    )
    assert "A title" in report_html(r)


@pytest.fixture(scope="module")
def browser():
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
                     "--autoplay-policy=no-user-gesture-required"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)], ids=["desktop", "phone"])
def test_in_a_browser_it_is_safe_fits_and_plays(browser, tmp_path, width, height):
    (tmp_path / "stems").mkdir()
    r = result(tmp_path, evil=EVIL)
    for name in ("master", "stems/dialogue", "stems/effects"):
        sound = 0.1 * np.sin(np.arange(round(r.duration_s * 8000)) / 5)
        soundfile.write(tmp_path / f"{name}.flac", sound, 8000)
    write_report(r, tmp_path)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(f"file://{tmp_path}/report.html")
    assert browser.execute_script("return window.pwned") is None
    assert browser.find_element("tag name", "h1").text.startswith(f"1 · A title {EVIL[:40]}")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width, (
        "no sideways scroll"
    )
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    third = r.lanes[2]
    browser.execute_script(
        "document.querySelector(`g[data-at='${arguments[0]}']`).dispatchEvent(new MouseEvent('click', {bubbles: true}))",
        third.start_s,
    )
    at = browser.execute_async_script(
        "const done = arguments[0], a = document.querySelector('audio');"
        "const look = () => a.currentTime > 0 ? done(a.currentTime) : setTimeout(look, 50); look();"
    )
    assert third.start_s - 0.05 <= at <= third.start_s + 2, "a click on a line plays from there"
    browser.execute_script("document.querySelector('[data-zoom=\"4\"]').click()")
    wide, frame = browser.execute_script(
        "const t = document.getElementById('tracks'); return [t.clientWidth, t.parentElement.clientWidth]"
    )
    assert wide == pytest.approx(4 * frame, abs=4)
