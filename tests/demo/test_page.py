"""The page in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

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
    for key, shown in (
        ("ArrowRight", "#photo"),
        ("End", "#scripts"),
        ("ArrowRight", "#draw"),
        ("ArrowLeft", "#scripts"),
    ):
        page.keyboard.press(key)
        assert page.is_visible(shown)
    page.keyboard.press("Home")
    assert page.is_visible("#draw")


def test_what_takes_input_and_shows_results_has_a_name(page: sync_api.Page) -> None:
    def named(role: str, name: str) -> int:
        return page.get_by_role(role, name=name, include_hidden=True).count()

    page.wait_for_selector("[data-name=mnist-cnn]", timeout=WAIT)
    assert [named("slider", name) for name in ("Strength", "How much", "Before and after")] == [2, 1, 1]
    assert named("progressbar", "Progress") == 1
    assert named("application", "Draw a digit here") == 1
    assert named("img", "your digit, denoised by cnn") == 1


def test_it_says_that_networks_are_being_loaded(browser: sync_api.Browser, address: str) -> None:
    held: list[sync_api.Route] = []
    with browser.new_page() as page:
        page.route("**/api/digits", lambda route: route.continue_() if held else held.append(route))
        page.goto(address)
        page.wait_for_selector("#digit-status:has-text('loading the networks…')", timeout=WAIT)
        held[0].continue_()
        page.wait_for_selector("[data-name=mnist-cnn]", timeout=WAIT)
        assert not page.inner_text("#digit-status")


def choose(page: sync_api.Page, picture: Path, model: str = "mean") -> None:
    page.click("#tab-photo")
    page.select_option("#model", model)
    page.set_input_files("#file", picture)


def test_a_photo_is_denoised_compared_and_downloaded(page: sync_api.Page, noisy_jpeg: Path, tmp_path: Path) -> None:
    choose(page, noisy_jpeg)
    page.wait_for_selector("#result:not([hidden])", timeout=WAIT)
    page.wait_for_function("document.querySelector('.after').style.clipPath", timeout=WAIT)
    assert page.inner_text("#facts") == "1080 × 720 pixels"  # this filter takes no noise level

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


def test_a_result_is_offered_for_its_own_picture_and_settings_only(
    page: sync_api.Page, noisy_jpeg: Path, tmp_path: Path
) -> None:
    choose(page, noisy_jpeg)
    page.wait_for_selector("#download", timeout=WAIT)
    page.route("**/api/denoise", lambda route: None)  # never gets there
    page.click("#go")
    page.wait_for_selector("#facts:has-text('the former result')")
    assert page.is_visible("#compare")
    assert not page.is_visible("#download")
    page.click("#cancel")
    assert not page.is_visible("#result")

    page.unroute("**/api/denoise")
    page.click("#go")
    page.wait_for_selector("#download", timeout=WAIT)
    page.route("**/api/denoise", lambda route: None)
    other = tmp_path / "other.jpg"
    other.write_bytes(noisy_jpeg.read_bytes())
    page.set_input_files("#file", other)
    assert page.inner_text("#drop-text") == "other.jpg"
    assert not page.is_visible("#result")


def test_a_turned_picture_is_as_wide_as_it_looks(page: sync_api.Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    Image.new("RGB", (160, 120), "gray").save(tmp_path / "turned.jpg", exif=exif)
    choose(page, tmp_path / "turned.jpg", "tv")
    page.wait_for_selector("#download", timeout=WAIT)
    assert page.inner_text("#facts").startswith("120 × 160 pixels · noise level ")


def test_labels_leave_the_slider_of_a_low_picture_free(page: sync_api.Page, tmp_path: Path) -> None:
    Image.new("RGB", (200, 20), "gray").save(tmp_path / "low.png")
    choose(page, tmp_path / "low.png")
    page.wait_for_selector(".low span >> nth=0", timeout=WAIT)
    picture, label, slider = (
        page.locator(f"#compare {part}").bounding_box() for part in (".stage", "span >> nth=0", ".split")
    )
    assert picture and label and slider
    assert picture["y"] + picture["height"] <= label["y"]
    assert label["y"] + label["height"] <= slider["y"]


def test_a_file_that_has_gone_is_told_from_a_program_that_has(
    page: sync_api.Page, noisy_jpeg: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "short-lived.jpg"
    picture.write_bytes(noisy_jpeg.read_bytes())
    choose(page, picture)
    page.wait_for_selector("#download", timeout=WAIT)
    picture.unlink()
    page.click("#go")
    page.wait_for_selector("#photo-problem:has-text('short-lived.jpg can no longer be read')", timeout=WAIT)
    assert not page.is_visible("#result")


def test_of_several_pictures_that_are_dropped_anywhere_one_is_taken(page: sync_api.Page) -> None:
    assert page.is_visible("#draw")
    page.evaluate("""() => {
      const dataTransfer = new DataTransfer();
      for (const name of ["a.png", "b.png"]) dataTransfer.items.add(new File(["no picture"], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    }""")
    assert page.inner_text("#photo #drop-text") == "one picture at a time: a.png is taken"
    page.wait_for_selector("#photo-problem:has-text('a.png is not a picture')", timeout=WAIT)


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
    choose(page, noisy_jpeg, "bilateral")  # the slowest filter: there has to be time to cancel it
    page.wait_for_selector("#percent:has-text(' %')", timeout=WAIT)
    page.click("#cancel", timeout=WAIT)
    assert not page.is_visible("#progress")
    assert not page.is_visible("#percent:has-text(' %')")
    assert not page.is_visible("#result")
    page.select_option("#model", "mean")
    page.click("#go")
    page.wait_for_selector("#result:not([hidden])", timeout=WAIT)
