"""The program as its users run it: a process, files, exit codes, stdout and stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli import __version__
from denoise_cli.cli.main import main
from denoise_cli.places.place import place

COMMAND = [sys.executable, "-m", "denoise_cli"]
OFFLINE = {**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "COLUMNS": "100"}


def denoise_img(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, words)], input=stdin, capture_output=True, timeout=120, env=OFFLINE, check=False
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "sub/a.jpg"):
        Image.fromarray(random.integers(0, 256, (20, 30, 3)).astype(np.uint8)).save(root / name)
    return root


def test_version() -> None:
    assert denoise_img("--version").stdout.decode().strip() == f"denoise-img {__version__}"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["models", "--help"],
        ["fit", "--help"],
        ["bench", "--help"],
        ["score", "--help"],
        ["noise", "--help"],
    ],
)
def test_help_tells_the_options(words: list[str]) -> None:
    outcome = denoise_img(*words)
    assert outcome.returncode == 0
    assert b"--help" in outcome.stdout
    assert b"denoise-img" in outcome.stdout
    for leak in (b"<", b"list[", b"range"):  # of Python's types
        assert leak not in outcome.stdout


def test_a_network_denoises_a_picture(tmp_path: Path, noisy_jpeg: Path, toy_weights: Path) -> None:
    result = tmp_path / "out.jpg"
    outcome = denoise_img(noisy_jpeg, "-o", result, "--model", toy_weights, "--device", "cpu")
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.decode().strip() == str(result)
    before, after = Image.open(noisy_jpeg), Image.open(result)
    assert after.size == before.size
    assert after.getexif() == before.getexif()
    for kept in ("icc_profile", "xmp", "photoshop", "dpi"):
        assert after.info[kept] == before.info[kept], kept
    assert np.abs(np.asarray(after).astype(int) - np.asarray(before)).max() > 0


def test_without_output_the_result_lies_beside(photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    assert denoise_img(photos / "a.png", "-m", "median").returncode == 0
    assert (photos / "a.denoised.png").exists()
    assert (photos / "a.png").read_bytes() == before


def test_a_tree_with_all_that_can_be_wrong(photos: Path, tmp_path: Path) -> None:
    (photos / "notes.txt").write_text("no picture")
    (photos / "broken.png").write_text("no picture either")
    (photos / "short.jpg").write_bytes((photos / "a.jpg").read_bytes()[:300])
    out = tmp_path / "clean"
    outcome = denoise_img(photos, "-o", out, "-m", "median")
    words = outcome.stderr.decode()
    assert outcome.returncode == 1
    assert outcome.stdout == b""
    assert "broken.png is not a picture" in words
    assert "short.jpg is damaged or cut short" in words
    assert "3 denoised" in words
    assert "2 failed" in words
    assert "1 other files left alone" in words
    assert "Traceback" not in words
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == ["a.jpg", "a.png", "sub/a.jpg"]

    again = denoise_img(photos, "-o", out, "-m", "median", "--json")
    facts = json.loads(again.stdout)
    assert facts["there_already"] == 3
    assert facts["denoised"] == []
    assert [Path(failure["source"]).name for failure in facts["failed"]] == ["broken.png", "short.jpg"]


def test_a_named_pipe_to_stdout(photos: Path, tmp_path: Path) -> None:
    """As shells make one for `<(command)`: it cannot be read back and forth."""
    pipe, data = tmp_path / "pipe", (photos / "a.png").read_bytes()
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True).start()
    outcome = denoise_img(pipe, "-o", "-", "-m", "median")
    assert outcome.stdout == denoise_img("-", "-m", "median", stdin=data).stdout
    assert outcome.stdout


def test_closed_standard_streams_are_told() -> None:
    closed = subprocess.run(
        [*COMMAND, "-", "-m", "median"], capture_output=True, env=OFFLINE, check=False, preexec_fn=lambda: os.close(0)
    )
    assert closed.returncode == 2
    assert b"that is closed" in closed.stderr


def test_stdin_to_stdout(photos: Path) -> None:
    data = (photos / "a.png").read_bytes()
    outcome = denoise_img("-", "-m", "median", stdin=data)
    assert outcome.returncode == 0
    assert outcome.stdout.startswith(b"\x89PNG")
    broken = denoise_img("-", "-m", "median", stdin=data[:100])
    assert broken.returncode == 1
    assert broken.stderr.startswith(b"denoise-img: standard input is damaged")


def test_in_place(photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    assert denoise_img(photos / "a.png", "--in-place", "-m", "median").returncode == 0
    assert (photos / "a.png").read_bytes() != before
    assert sorted(path.name for path in photos.iterdir()) == ["a.jpg", "a.png", "sub"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["{photos}"], "is a folder: say with -o"),
        (["{photos}/a.png", "-o", "{photos}/a.jpg"], "is there already"),
        (["{photos}/a.png", "-m", "medain"], "did you mean median?"),
        (["{photos}/a.png", "-m", "median", "--sigma", "25"], "takes no sigma"),
        (["{photos}/a.png", "-m", "median", "--size", "4"], "an odd number"),
        (["{photos}/a.png", "-m", "median", "--white", "-1"], "a number above 0"),
        (["{photos}/a.png", "--tile", "tiny"], "a tile is auto, off"),
        (["{photos}/a.png", "--strength", "7"], "strength"),
        (["{photos}/a.png", "-m", "median", "--strength", "nan"], "nan is not a number from 0 to 1"),
        (["{photos}/a.png", "-m", "median", "--white", "inf"], "a number above 0"),
        (["-", "{photos}/a.png"], "stands for one picture"),
        (["-", "-o", "{photos}"], "is a folder; name a file"),
        (["-", "-o", "{photos}/new/"], "is a folder; name a file"),
        (["{photos}", "-o", "-"], "- stands for one picture"),
        (["-", "--json"], "--json and the picture both want stdout"),
        (["score", "-", "{photos}"], "none from stdin"),
        (["{photos}/a.png", "--strenght", "1"], "denoise-img: no such option: --strenght"),
        (["", "--in-place"], "an empty name"),
        (["{photos}/a.png", "-o", ""], "an empty name"),
        (["noise", "{photos}/a.png", "-o", "{photos}/n.png", "--seed", "-1"], "seed"),
        (["score", "", "{photos}"], "an empty name"),
        (["bench", "{photos}/a.png", "-m", "mean", "--plot", "{photos}/a.png"], "one of the pictures to measure with"),
        (["bench", "{photos}/sub", "-m", "mean", "--plot", "{photos}/a.png"], "is there already"),
        (["bench", "{photos}/a.png", "-m", "mean", "--plot", "{photos}/p.pdf"], "its name ends in .png"),
        (["bench", "{photos}/a.png", "-m", "mean", "-m", "bm3d", "--record"], "which filters do not have"),
        (["bench", "{photos}/a.png", "-m", "https://no.where/a.safetensors", "--record"], "copy it to this machine"),
        (["bench", "{photos}/a.png", "-m", "mean", "--plot", "{photos}/no/p.png"], "in a folder that there is"),
        (["{photos}/a.png", "-m", "median", "--white", "1e-300"], "a number above 0"),
        (["fit", "--clean", "{photos}", "-o", "{photos}", "--overwrite"], "name ends in .safetensors"),
        ([], "IN"),
    ],
)
def test_wrong_usage_is_explained_with_exit_code_2(
    photos: Path, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([word.format(photos=photos) for word in words])
    told = capsys.readouterr().err
    assert complaint in " ".join(told.replace("│", " ").split())
    assert "Traceback" not in told


def test_a_missing_file_fails_and_the_others_are_done(photos: Path, tmp_path: Path) -> None:
    outcome = denoise_img(photos / "gone.png", photos / "a.png", "-o", tmp_path / "out", "-m", "median")
    assert outcome.returncode == 1
    assert b"gone.png cannot be read (No such file or directory)" in outcome.stderr
    assert (tmp_path / "out" / "a.png").exists()


def test_the_same_pattern_can_be_given_again(photos: Path) -> None:
    """`denoise-img *.png` finds its own results the second time; they are no inputs."""
    (photos / "b.png").write_bytes((photos / "a.png").read_bytes())
    first = denoise_img(*sorted(photos.glob("*.png")), "-m", "median")
    again = denoise_img(*sorted(photos.glob("*.png")), "-m", "median", "--json")
    assert (first.returncode, again.returncode) == (0, 0)
    assert json.loads(again.stdout)["there_already"] == 2
    assert sorted(p.name for p in photos.glob("*.png")) == ["a.denoised.png", "a.png", "b.denoised.png", "b.png"]


def test_names_that_are_no_text_are_ordinary(photos: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/in\xff\n.png"
    Path(os.fsdecode(odd)).write_bytes((photos / "a.png").read_bytes())
    for more in ([], ["--json"]):
        outcome = subprocess.run(
            [*COMMAND, odd, "-m", "median", "--overwrite", *more], capture_output=True, env=OFFLINE, check=False
        )
        assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert Path(os.fsdecode(odd.replace(b".png", b".denoised.png"))).exists()


def test_a_path_that_is_too_long_fails_alone(photos: Path, tmp_path: Path) -> None:
    outcome = denoise_img(photos / ("x" * 300 + ".png"), photos / "a.png", "-o", tmp_path / "out", "-m", "median")
    assert outcome.returncode == 1
    assert b"cannot be read (File name too long)" in outcome.stderr
    assert b"bug" not in outcome.stderr
    assert (tmp_path / "out" / "a.png").exists()


def test_an_unwritable_place_is_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcome = denoise_img(photos / "a.png", "-o", tmp_path / "file" / "b.png", "-m", "median")
    assert outcome.returncode == 1
    assert b"no place for its result" in outcome.stderr


def test_tracebacks_are_for_verbose(photos: Path) -> None:
    quiet = denoise_img(photos / "a.png", "-m", "zzz")
    verbose = denoise_img(photos / "a.png", "-m", "zzz", "--verbose")
    assert b"Traceback" not in quiet.stderr
    assert b"Traceback" in verbose.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_leaves_no_half_file_and_says_how_to_go_on(how: signal.Signals, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8))
    for number in range(40):
        picture.save(source / f"{number:02}.png")
    process = subprocess.Popen([*COMMAND, source, "-o", out, "-m", "median"], stderr=subprocess.PIPE, env=OFFLINE)
    deadline = time.monotonic() + 60
    while not list(out.glob("*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on" in words
    assert b"Traceback" not in words
    results = sorted(path.name for path in out.iterdir())
    assert 0 < len(results) < 40
    for name in results:
        assert not name.startswith(".")
        Image.open(out / name).load()


def test_models_lists_and_shows_cards(toy_weights: Path) -> None:
    table = denoise_img("models").stdout.decode()
    assert "median" in table
    card = denoise_img("models", toy_weights).stdout.decode()
    assert "dncnn" in card
    facts = json.loads(denoise_img("models", toy_weights, "--json").stdout)
    assert facts[0]["architecture"] == "dncnn"
    unknown = denoise_img("models", "nothing")
    assert unknown.returncode == 2
    median = denoise_img("models", "median", "-q").stdout.decode()
    assert [line.split()[0] for line in median.splitlines()] == ["name", "family", "summary", "level"]


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["models"], ["{png}", "-o", "{out}", "-m", "median"], ["bench", "{dir}", "-m", "mean"]],
)
def test_torch_is_not_imported_where_it_is_not_needed(words: list[str], photos: Path, tmp_path: Path) -> None:
    filled = [word.format(png=photos / "a.png", out=tmp_path / "x.png", dir=photos / "sub") for word in words]
    probe = (
        "import sys\n"
        "from denoise_cli.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    outcome = subprocess.run([sys.executable, "-c", probe, *filled], capture_output=True, env=OFFLINE, check=False)
    assert outcome.returncode == 0, outcome.stderr.decode()


def test_rich_is_not_imported_for_help() -> None:
    """It takes as long to load as all else that help needs."""
    probe = (
        "import sys\n"
        "from denoise_cli.cli.main import main\n"
        "try:\n    main(['--help'])\nfinally:\n    print(*sys.modules)\n"
    )
    outcome = subprocess.run([sys.executable, "-c", probe], capture_output=True, env=OFFLINE, check=False)
    assert outcome.returncode == 0
    assert b"rich" not in outcome.stdout.split()


def test_bench_measures_and_records(photos: Path, toy_weights: Path, tmp_path: Path) -> None:
    weights = tmp_path / "toy.safetensors"
    weights.write_bytes(toy_weights.read_bytes())
    outcome = denoise_img("bench", photos / "sub", "-m", weights, "-m", "median", "--sigma", 25, "--record", "--json")
    rows = json.loads(outcome.stdout)
    assert [row["model"] for row in rows] == ["noisy", str(weights), "median"]
    card = json.loads(denoise_img("models", weights, "--json").stdout)[0]
    assert card["psnr"] == {"sub": {"25": round(rows[1]["psnr"], 2)}}


def test_noise_takes_urls(photos: Path) -> None:
    pytest.importorskip("upath")
    at = place("memory://noise-command")
    at.fs.put(str(photos / "sub"), "noise-command/in", recursive=True)
    with pytest.raises(SystemExit, match="0"):
        main(["noise", f"{at}/in", "-o", f"{at}/out", "--quiet"])
    assert at.fs.ls("noise-command/out", detail=False) == ["/noise-command/out/a.jpg"]
    assert at.fs.cat("noise-command/out/a.jpg") != at.fs.cat("noise-command/in/a.jpg")


def test_noise_and_score(photos: Path, tmp_path: Path) -> None:
    """Noise of a seed is the same in every run and another for every picture; score says how much it is."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for number in range(2):
        Image.new("RGB", (90, 60), (100 + number, 120, 140)).save(flat / f"{number}.png")
    for out in ("once", "again"):
        outcome = denoise_img("noise", flat, "-o", tmp_path / out, "--kind", "gaussian:10", "--seed", 3)
        assert (outcome.returncode, outcome.stdout) == (0, b"")
        assert "2 made noisy" in outcome.stderr.decode()
    first, second = (np.asarray(Image.open(tmp_path / "once" / f"{n}.png")).astype(int) for n in range(2))
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "again" / "0.png")))
    assert np.abs((first - first.mean()) - (second - second.mean())).mean() > 5
    facts = json.loads(denoise_img("score", tmp_path / "once", flat, "--json").stdout)
    assert facts["psnr"] == pytest.approx(28.1, abs=0.3)
    assert len(facts["pictures"]) == 2
    text = denoise_img("score", tmp_path / "once", flat).stdout.decode()
    assert "the mean of 2" in text
    same = denoise_img("score", flat / "0.png", flat / "0.png", "--json")
    assert json.loads(same.stdout)["psnr"] is None


def test_noise_needs_a_place_for_its_results(photos: Path) -> None:
    outcome = denoise_img("noise", photos / "a.png", "--kind", "gaussian:10")
    assert outcome.returncode == 2
    assert b"output" in outcome.stderr


def test_models_measures_speed_when_asked(toy_weights: Path) -> None:
    plain, timed = (
        json.loads(denoise_img("models", toy_weights, "--json", *more).stdout)[0] for more in ([], ["--speed"])
    )
    assert timed.pop("megapixels_per_second") > 0
    assert plain == timed
    assert b"megapixels a second here" in denoise_img("models", toy_weights, "--speed").stdout
