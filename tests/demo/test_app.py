"""What the page's API promises to scripts."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from denoise_cli import denoise
from denoise_cli.demo.jobs import Jobs
from tests.demo.conftest import Gate
from tests.images.helpers import claiming


def send(client: FlaskClient, data: bytes, name: str = "in.png", **fields: object) -> TestResponse:
    form = {key: str(value) for key, value in {"model": "mean", "wait": 1, **fields}.items()}
    return client.post("/api/denoise", data={**form, "picture": (io.BytesIO(data), name)})


def png(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def channels(height: int, width: int, number: int) -> bytes:
    """A TIFF of so many."""
    file = io.BytesIO()
    samples = np.zeros((height, width, number), np.uint8)
    tifffile.imwrite(file, samples, photometric="minisblack", planarconfig="contig", compression="zlib")
    return file.getvalue()


@pytest.fixture
def picture() -> bytes:
    ramp = np.linspace(40, 200, 64).astype(np.uint8)
    return png(np.repeat(np.tile(ramp, (48, 1))[:, :, None], 3, axis=2))


def test_the_page_and_what_it_needs_come_from_here(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert client.get("/static/page.js").mimetype == "text/javascript"


def test_sliders_are_named_by_their_labels(client: FlaskClient) -> None:
    labels = re.findall(r"<label([^>]*)>((?:(?!</label>).)*<output.*?)</label>", client.get("/").text, re.DOTALL)
    assert len(labels) == 3
    for attributes, content in labels:  # what comes first in a label is what it names, unless it says otherwise
        named = re.search(r'for="([\w-]+)"', attributes)
        assert named
        assert f'<input id="{named[1]}" type="range"' in content


def test_denoisers_are_those_of_the_catalogue(client: FlaskClient) -> None:
    told = client.get("/api/denoisers").get_json()["denoisers"]
    by_name = {denoiser["name"]: denoiser for denoiser in told}
    assert {"photo", "unet", "median"} <= by_name.keys()
    assert not any(name.endswith("-gray") for name in by_name)
    assert by_name["photo"]["level"] == "given"
    assert [by_name[name]["digits"] for name in ("photo", "mnist-cnn")] == [False, True]
    assert by_name["median"]["summary"] == "median of a window; salt-and-pepper noise"
    assert not any("--" in denoiser["summary"] for denoiser in told)  # the page has no such options


def test_the_result_is_that_of_the_command_line(client: FlaskClient, noisy_jpeg: Path, tmp_path: Path) -> None:
    told = send(client, noisy_jpeg.read_bytes(), "holiday.JPG", strength=0.5).get_json()
    assert told["state"] == "done"
    result = client.get(told["result"])
    assert result.data == denoise(noisy_jpeg, "mean", strength=0.5, output=tmp_path / "out.jpg").read_bytes()
    assert result.headers["Content-Disposition"] == "attachment; filename=holiday.denoised.JPG"
    with Image.open(noisy_jpeg) as picture:
        assert (told["width"], told["height"], told["pages"]) == (*picture.size, 1)
    assert told["sigma"] is None  # this filter takes none
    assert told["psnr_before"] is None


def test_the_level_that_was_found_is_told(client: FlaskClient) -> None:
    noisy = png(np.random.default_rng(0).normal(128, 12, (90, 90)).astype(np.uint8))
    assert send(client, noisy, model="nlm", strength=0.5).get_json()["sigma"] == pytest.approx(12, rel=0.1)
    assert send(client, noisy, model="nlm", sigma=30).get_json()["sigma"] == 30


def test_a_result_has_the_suffix_of_its_content(client: FlaskClient, picture: bytes) -> None:
    told = send(client, picture, "in.jpg").get_json()
    assert "in.denoised.png" in client.get(told["result"]).headers["Content-Disposition"]


def test_added_noise_is_measured(client: FlaskClient, picture: bytes) -> None:
    told = send(client, picture, noise="gaussian:25", seed=1).get_json()
    assert told["psnr_before"] == pytest.approx(20.2, abs=0.3)
    assert told["psnr_after"] > told["psnr_before"] + 5
    before = np.asarray(Image.open(io.BytesIO(client.get(told["before"]).data)), np.float64)
    assert (before - np.asarray(Image.open(io.BytesIO(picture)))).std() == pytest.approx(25, rel=0.1)


def test_what_is_shown_is_upright(client: FlaskClient) -> None:
    pixels = np.zeros((20, 40), np.uint8)
    pixels[:, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    told = send(client, png(pixels, exif=exif)).get_json()
    shown = Image.open(io.BytesIO(client.get(told["after"]).data))
    assert shown.size == (20, 40)
    assert np.asarray(shown)[2, 10] == 255
    result = Image.open(io.BytesIO(client.get(told["result"]).data))
    assert (result.size, result.getexif()[0x0112]) == ((40, 20), 6)


@pytest.mark.parametrize("photometric", ["minisblack", "rgb", "separated"])
def test_every_page_of_a_stack_is_done(client: FlaskClient, photometric: str) -> None:
    channels = {"minisblack": (), "rgb": (3,), "separated": (4,)}[photometric]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        for value in (100, 30000):
            tiff.write(np.full((20, 30, *channels), value, np.uint16), photometric=photometric)
    told = send(client, file.getvalue(), "stack.tif").get_json()
    assert (told["state"], told["pages"]) == ("done", 2)
    with tifffile.TiffFile(io.BytesIO(client.get(told["result"]).data)) as result:
        pages = [page.asarray() for page in result.pages]
    assert [(page.dtype, int(page.mean())) for page in pages] == [(np.uint16, 100), (np.uint16, 30000)]
    assert Image.open(io.BytesIO(client.get(told["after"]).data)).size == (30, 20)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"model": "/etc/passwd"}, "there is no model '/etc/passwd'; there are "),
        ({"strength": 2}, "strength is a number from 0 to 1, not 2"),
        ({"strength": "much"}, "strength is a number, not 'much'"),
        ({"sigma": 10}, "mean takes no sigma"),
        ({"model": "photo", "sigma": "nan"}, "sigma is a number, not 'nan'"),
        ({"noise": "rain:3"}, "unknown kind of noise 'rain'"),
    ],
)
def test_wrong_fields_are_explained(
    client: FlaskClient, picture: bytes, fields: dict[str, object], complaint: str
) -> None:
    answer = send(client, picture, **fields)
    assert answer.status_code == 400
    assert complaint in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("spoil", "code", "complaint"),
    [
        (lambda picture: b"just words", 400, "in.png is not a picture of a kind that is supported"),
        (lambda picture: b"", 400, "in.png is empty"),
        (lambda picture: picture + bytes(3_000_000), 413, "the file is larger than 2 MB"),
        (lambda picture: claiming(picture, 50_000, 50_000), 400, "in.png has more pixels than Pillow opens safely"),
        (lambda picture: png(np.zeros((1001, 1000), np.uint8)), 413, "in.png counts as 1.0 megapixels; 1 is the limit"),
        (lambda picture: channels(1000, 40, 80), 413, "in.png counts as 1.1 megapixels; 1 is the limit"),
    ],
)
def test_bad_files_are_refused(
    client: FlaskClient, picture: bytes, spoil: Callable[[bytes], bytes], code: int, complaint: str, tmp_path: Path
) -> None:
    answer = send(client, spoil(picture))
    assert answer.status_code == code
    assert complaint in answer.get_json()["error"]
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_damaged_further_on_is_named(client: FlaskClient, noisy_jpeg: Path) -> None:
    told = send(client, noisy_jpeg.read_bytes()[:20_000], "half.jpg").get_json()
    assert told["state"] == "failed"
    assert told["error"].startswith("half.jpg is damaged or cut short")
    assert client.get(f"/api/jobs/{told['id']}/result").status_code == 409


def test_a_request_without_a_picture_is_explained(client: FlaskClient) -> None:
    answer = client.post("/api/denoise", data={"model": "mean"})
    assert answer.status_code == 400
    assert "field called picture" in answer.get_json()["error"]


@pytest.mark.parametrize("path", ["/api/jobs/none", "/api/jobs/none/result", "/nothing"])
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.get_json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "code", "sentence"),
    [
        ("GET", "/api/nope", 404, "there is nothing at /api/nope"),
        ("PUT", "/api/denoise", 405, "/api/denoise does not take PUT, but OPTIONS, POST"),
    ],
)
def test_wrong_addresses_are_explained(client: FlaskClient, method: str, path: str, code: int, sentence: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.get_json()) == (code, {"error": sentence})


def test_names_of_files_cannot_lead_elsewhere(client: FlaskClient, picture: bytes, tmp_path: Path) -> None:
    told = send(client, picture, "../../etc/passwd.png").get_json()
    assert "passwd.denoised.png" in client.get(told["result"]).headers["Content-Disposition"]
    assert client.get(f"/api/jobs/{told['id']}/source").status_code == 404
    assert {path.name for path in tmp_path.rglob("*.*")} == {"before.png", "after.png"}


def test_names_of_files_may_hold_anything(client: FlaskClient, picture: bytes) -> None:
    border = b"--x\r\n"
    head = b'Content-Disposition: form-data; name="%s"%s\r\n\r\n'
    fields = (border + head % (name, b"") + value + b"\r\n" for name, value in ((b"model", b"mean"), (b"wait", b"1")))
    file = border + head % (b"picture", b"; filename*=UTF-8''a%0Ab%E2%80%AE.png") + picture + b"\r\n--x--\r\n"
    sent = client.post("/api/denoise", data=b"".join([*fields, file]), content_type="multipart/form-data; boundary=x")
    result = client.get(sent.get_json()["result"])
    assert result.status_code == 200
    assert result.headers["Content-Disposition"] == "attachment; filename=a_b_.denoised.png"


def test_other_sites_are_kept_out(client: FlaskClient, picture: bytes) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/api/denoisers", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/denoisers", headers={"Origin": "http://localhost"}).status_code == 200


def test_too_many_pictures_are_told_to_come_again(gate: tuple[FlaskClient, Gate], picture: bytes) -> None:
    client, denoiser = gate
    first = send(client, picture, model="median", wait=0)
    assert first.status_code == 202
    assert denoiser.entered.wait(10)
    second = send(client, picture, wait=0).get_json()
    assert (second["state"], second["ahead"]) == ("waiting", 1)
    refused = send(client, picture, wait=0)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert client.get(f"/api/jobs/{first.get_json()['id']}").get_json()["progress"] == 0.25
    denoiser.open.set()
    for job in (first.get_json(), second):
        assert client.get(f"/api/jobs/{job['id']}?wait").get_json()["state"] == "done"


def test_a_request_may_say_that_it_does_not_wait(gate: tuple[FlaskClient, Gate], picture: bytes) -> None:
    client, _ = gate
    for no in ("0", "false"):
        told = send(client, picture, model="median", wait=no).get_json()
        started = time.monotonic()
        assert client.get(f"/api/jobs/{told['id']}?wait={no}").get_json()["state"] in ("waiting", "working")
        assert time.monotonic() - started < 10


def test_who_waits_for_a_picture_hears_at_once_that_it_is_cancelled(
    gate: tuple[FlaskClient, Gate], picture: bytes, jobs: Jobs
) -> None:
    client, denoiser = gate
    send(client, picture, model="median", wait=0)
    assert denoiser.entered.wait(10)
    second = jobs.get(send(client, picture, wait=0).get_json()["id"])
    assert second is not None
    with ThreadPoolExecutor(1) as pool:
        over = pool.submit(second.over, 20)
        time.sleep(0.2)
        jobs.cancel(second)
        assert over.result(10)  # while the first is under way
    assert second.state == "cancelled"


def test_a_picture_can_be_cancelled(gate: tuple[FlaskClient, Gate], picture: bytes, jobs: Jobs, tmp_path: Path) -> None:
    client, denoiser = gate
    working = send(client, picture, model="median", wait=0).get_json()
    assert denoiser.entered.wait(10)
    waiting = send(client, picture, wait=0).get_json()
    for told in (waiting, working):
        job = jobs.get(told["id"])
        assert job is not None
        assert client.delete(f"/api/jobs/{told['id']}").status_code == 204
        assert job.over(10)
        assert job.state == "cancelled"
        assert client.get(f"/api/jobs/{told['id']}").status_code == 404
    assert send(client, picture).get_json()["state"] == "done"
    assert len(list(tmp_path.iterdir())) == 1


def test_old_results_make_room(client: FlaskClient, picture: bytes, tmp_path: Path) -> None:
    ids = [send(client, picture).get_json()["id"] for _ in range(3)]
    assert [client.get(f"/api/jobs/{name}").status_code for name in ids] == [404, 200, 200]
    assert len(list(tmp_path.iterdir())) == 2
