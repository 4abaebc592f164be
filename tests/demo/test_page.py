"""The page in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from denoise_cli import denoise
from tests.demo.server import served

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to look at the page with")
WAIT = 60_000  # milliseconds


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: sync_api.Browser, address: str) -> Iterator[sync_api.Page]:
    """A phone's width, where all must fit as well; no errors in the console."""
    page = browser.new_page(viewport={"width": 390, "height": 800}, device_scale_factor=2)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    page.wait_for_selector("body[data-ready]", timeout=WAIT)
    yield page
    page.close()
    assert not problems


def results(page: sync_api.Page) -> dict[str, str]:
    """The digits under the board: what each looks like, by name."""
    figures = "[...document.querySelectorAll('#digit-results figure')]"
    pairs = f"{figures}.map(figure => [figure.dataset.name, figure.querySelector('canvas').toDataURL()])"
    return dict(page.evaluate(f"() => {pairs}"))


def wait_for_others(page: sync_api.Page, before: dict[str, str]) -> dict[str, str]:
    for _ in range(200):
        page.wait_for_timeout(50)
        now = results(page)
        if now.keys() == before.keys() and all(now[name] != before[name] for name in now):
            return now
    raise AssertionError("the results have not changed")


def test_what_is_drawn_is_denoised_while_it_is_drawn(page: sync_api.Page) -> None:
    page.wait_for_selector("[data-name=mnist-cnn]", timeout=WAIT)
    page.click("#erase")
    page.wait_for_timeout(500)
    before = results(page)
    box = page.locator("#board").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 140, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 230, steps=5)
    after = wait_for_others(page, before)  # the pen is still down
    page.mouse.up()
    assert after.keys() == {"noisy", *(name for name in after if name.startswith("mnist-"))}
    assert re.search(r"\d dB, [\d.]+ ms", page.inner_text("[data-name=mnist-cnn] figcaption"))


def test_the_board_is_for_keyboards_too(page: sync_api.Page) -> None:
    page.wait_for_selector("[data-name=mnist-cnn]", timeout=WAIT)
    page.focus("#board")
    page.keyboard.press("7")
    page.wait_for_timeout(500)
    before = results(page)
    for key in ("Delete", "Space", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    wait_for_others(page, before)
    before = results(page)
    page.focus("#digit-level")
    page.keyboard.press("End")
    wait_for_others(page, before)
    page.focus("#tab-draw")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#drop")


def choose(page: sync_api.Page, picture: Path, model: str = "mean") -> None:
    page.click("#tab-photo")
    page.select_option("#model", model)
    page.set_input_files("#file", picture)


def test_a_photo_is_denoised_compared_and_downloaded(page: sync_api.Page, noisy_jpeg: Path, tmp_path: Path) -> None:
    choose(page, noisy_jpeg)
    page.wait_for_selector("#result:not([hidden])", timeout=WAIT)
    page.wait_for_function("document.querySelector('.after').style.clipPath", timeout=WAIT)
    assert "1080 × 720 pixels · noise level" in page.inner_text("#facts")

    clip = "document.querySelector('.after').style.clipPath"
    half = page.evaluate(clip)
    page.focus(".split")
    page.keyboard.press("End")
    assert page.evaluate(clip) != half
    view = page.locator(".view").bounding_box()
    assert view is not None
    page.mouse.move(view["x"] + view["width"] - 3, view["y"] + 40)
    page.mouse.down()
    page.mouse.move(view["x"] + 100, view["y"] + 40)
    page.mouse.up()
    assert float(page.input_value(".split")) == pytest.approx(100 * 100 / view["width"], abs=1)

    page.click("[data-zoom='1']")  # a pixel of the picture is one of the screen's
    assert page.evaluate("document.querySelector('.stage').offsetWidth") == 540
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "noisy.denoised.jpg"
    expected = denoise(noisy_jpeg, "mean", output=tmp_path / "out.jpg").read_bytes()
    assert Path(download.value.path()).read_bytes() == expected


def test_added_noise_is_told_in_decibels(page: sync_api.Page, noisy_jpeg: Path) -> None:
    page.click("#tab-photo")
    page.select_option("#noise", "gaussian")
    choose(page, noisy_jpeg)
    page.wait_for_selector("#facts:has-text('PSNR')", timeout=WAIT)
    assert re.search(r"PSNR 20\.\d\d → 2\d\.\d\d dB", page.inner_text("#facts"))


def test_a_text_that_is_called_a_picture_is_refused(page: sync_api.Page, tmp_path: Path) -> None:
    text = tmp_path / "words.png"
    text.write_text("just words")
    choose(page, text)
    page.wait_for_selector("#photo-problem:not([hidden])", timeout=WAIT)
    assert page.inner_text("#photo-problem").startswith("words.png is not a picture of a kind that is supported")
    assert not page.is_visible("#result")


def test_a_picture_can_be_cancelled(page: sync_api.Page, noisy_jpeg: Path) -> None:
    choose(page, noisy_jpeg, "nlm")
    page.click("#cancel", timeout=WAIT)
    assert not page.is_visible("#progress")
    assert not page.is_visible("#result")
    page.select_option("#model", "mean")
    page.click("#go")
    page.wait_for_selector("#result:not([hidden])", timeout=WAIT)
