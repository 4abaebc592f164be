"""The entry: versions, help, wrong usage, errors, and what is not loaded for nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from denoise_cli import __version__
from denoise_cli.cli import models
from denoise_cli.cli.main import COMMANDS, _refusal, main
from tests.cli.runs import ENVIRONMENT, denoise_img, process


def test_version() -> None:
    assert process("--version").stdout.decode().strip() == f"denoise-img {__version__}"


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


@pytest.mark.parametrize("name", ["run", *COMMANDS])
def test_no_placeholder_is_its_option_s_name(name: str) -> None:
    """typer 0.27 takes such a one for the name: --RATE was an option, and --rate was not."""
    command = typer.main.get_command(importlib.import_module(f"denoise_cli.cli.{name}").app)
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert options
    assert not [option.name for option in options if option.metavar == str(option.name).upper()]


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
        (["demo", "--port", "nan"], "denoise-img: --port takes a whole number; denoise-img demo --help says"),
        (["{photos}/a.png", "--strength", "much"], "denoise-img: --strength takes a number; denoise-img --help says"),
        (["demo", "--port", "70000"], "denoise-img: --port: 70000 is not a number from 0 to 65535; "),
        (["{photos}/a.png", "-m", "~no-such-user/x.safetensors"], "there is no such home"),
        (["{photos}/a.png", "-m", "x" * 300], "no "),
        ([], "IN"),
    ],
)
def test_wrong_usage_is_explained_with_exit_code_2(
    photos: Path, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main([word.format(photos=photos) for word in words])
    told = capsys.readouterr().err
    assert complaint in " ".join(told.replace("│", " ").split())
    assert "Traceback" not in told


def test_typers_words_of_any_version_become_ours() -> None:
    said = {
        "Invalid value for '--port': 'nan' is not a valid integer.": "--port takes a whole number",
        "Invalid value for '-s' / '--sigma': 'x' is not a valid float.": "-s / --sigma takes a number",
        "Invalid value for '--sigma': Input should be a valid number, unable to parse": "--sigma takes a number",
        "Missing option '-o' / '--output'.": "missing option '-o' / '--output'",
    }
    assert [_refusal(text) for text in said] == list(said.values())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you"),
    ],
)
def test_a_want_of_memory_is_no_bug(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greedy(*words: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(models, "app", greedy)
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["models"])
    assert capsys.readouterr().err == "denoise-img: what was asked for needs more memory than there is\n"


def test_tracebacks_are_for_verbose(photos: Path) -> None:
    quiet = denoise_img(photos / "a.png", "-m", "zzz")
    verbose = denoise_img(photos / "a.png", "-m", "zzz", "--verbose")
    assert b"Traceback" not in quiet.stderr
    assert b"Traceback" in verbose.stderr


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
    outcome = subprocess.run([sys.executable, "-c", probe, *filled], capture_output=True, env=ENVIRONMENT, check=False)
    assert outcome.returncode == 0, outcome.stderr.decode()


def test_rich_is_not_imported_for_help() -> None:
    """It takes as long to load as all else that help needs."""
    probe = (
        "import sys\n"
        "from denoise_cli.cli.main import main\n"
        "try:\n    main(['--help'])\nfinally:\n    print(*sys.modules)\n"
    )
    outcome = subprocess.run([sys.executable, "-c", probe], capture_output=True, env=ENVIRONMENT, check=False)
    assert outcome.returncode == 0
    assert b"rich" not in outcome.stdout.split()
