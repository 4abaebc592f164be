"""Digits that are drawn on the page."""

from __future__ import annotations

import numpy as np
import pytest
from flask.testing import FlaskClient


def drawn() -> list[int]:
    digit = np.zeros((28, 28), int)
    digit[5:23, 13:16] = 255
    return digit.ravel().tolist()


def test_a_drawing_gets_noise_and_loses_it(client: FlaskClient) -> None:
    told = client.post(
        "/api/digits", json={"pixels": drawn(), "noise": "gaussian:127.5", "models": ["mnist-cnn", "median"]}
    ).get_json()
    assert len(told["noisy"]["pixels"]) == 784
    assert told["noisy"]["psnr"] == pytest.approx(9, abs=1)
    network, median = told["results"]
    assert network["psnr"] > median["psnr"] > told["noisy"]["psnr"]
    assert network["psnr"] > told["noisy"]["psnr"] + 8


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"pixels": [0] * 783}, "pixels are 784 numbers from 0 to 255"),
        ({"pixels": [0] * 783 + [256]}, "pixels are 784 numbers from 0 to 255"),
        ({"noise": "gaussian"}, "noise is given as KIND:LEVEL"),
        ({"models": "mnist-cnn"}, "models is a list of names"),
        ({"models": ["nobody"]}, "there is no model 'nobody'"),
        ({"models": ["median", "mean", "median"]}, "models names one twice"),
        ({"seed": -1}, "seed is a whole number"),
    ],
)
def test_wrong_drawings_are_explained(client: FlaskClient, change: dict[str, object], complaint: str) -> None:
    answer = client.post("/api/digits", json={"pixels": drawn(), "noise": "gaussian:9", "models": [], **change})
    assert answer.status_code == 400
    assert complaint in answer.get_json()["error"]


def test_a_drawing_that_is_no_json_is_explained(client: FlaskClient) -> None:
    assert client.post("/api/digits", data="words").status_code == 415
    for words in ("words", "[" * 100_000):
        assert client.post("/api/digits", data=words, content_type="application/json").status_code == 400
    answer = client.post("/api/digits", data="[" + "[]," * 40_000 + "0]", content_type="application/json")
    assert answer.status_code == 413
    assert answer.get_json()["error"] == "a drawing takes no more than 100 kB"
