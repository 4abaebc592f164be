"""The command line's entry: finds the command, and turns errors into sentences and exit codes."""

from __future__ import annotations

import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Sequence

# Name and one line of each command besides the main job; its module has `app`, a typer application.
COMMANDS = {
    "models": "the denoisers there are, or one's card",
    "fit": "train a network of your own",
    "bench": "denoisers side by side: PSNR, SSIM, speed and memory",
    "score": "PSNR and SSIM of results against clean pictures",
    "noise": "add noise to pictures",
    "demo": "a web page: draw and watch noise go, or drop a picture",
    "mnist": "networks on handwritten digits, with clean targets and noisy ones",
}
WRONG_USAGE, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs `denoise-img`; always raises SystemExit."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    name = typed[0] if typed and typed[0] in COMMANDS else None
    words = typed[1:] if name else typed
    program = f"denoise-img {name}" if name else "denoise-img"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: nothing half written stays
    for stream in (sys.stdout, sys.stderr):  # names of files need not be valid text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")
    try:
        module = importlib.import_module(f"denoise_cli.cli.{name or 'run'}")
        code = module.app(words, prog_name=program, standalone_mode=False, obj={"typed": typed})
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where what goes wrong is told in a sentence
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        _give_up_stdout()
        sys.exit(FAILED)
    except Exception as error:
        sys.exit(_explained(error, program, verbose=not {"-v", "--verbose"}.isdisjoint(words)))
    if code == INTERRUPTED:  # also from typer, which has an exit of its own for it
        for number in (signal.SIGINT, signal.SIGTERM):  # a second one does not wait for what is still being loaded
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code or 0)


def _give_up_stdout() -> None:
    """What it still holds would make Python complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explained(error: Exception, program: str, *, verbose: bool) -> int:
    """Says on stderr what went wrong; gives the exit code."""
    from denoise_cli.errors import DenoiseError, UsageError, reason

    if format_message := getattr(error, "format_message", None):  # typer's own, whose class has no public name
        print(f"denoise-img: {_refusal(str(format_message()))}; {program} --help says what there is", file=sys.stderr)
        return WRONG_USAGE
    if verbose:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, DenoiseError):
        print(f"denoise-img: {error}", file=sys.stderr)
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    if isinstance(error, OSError) and error.strerror:
        if error.filename is None:
            _give_up_stdout()
        what = "stdout cannot be written" if error.filename is None else f"{error.filename} cannot be read or written"
        print(f"denoise-img: {what} ({error.strerror})", file=sys.stderr)
        return FAILED
    if _out_of_memory(error):
        print(f"denoise-img: what was asked for {reason(MemoryError())}", file=sys.stderr)
        return FAILED
    print(
        f"denoise-img: an unforeseen error, {type(error).__name__}: {error}\n"
        "This is a bug. With --verbose it says where; please report that.",
        file=sys.stderr,
    )
    return FAILED


def _refusal(text: str) -> str:
    """What typer says of the words that were typed, in the form of our own sentences."""
    if value := re.match("Invalid value for ([^:]+): (.*)", text, re.DOTALL):
        where, why = value[1].replace("'", ""), value[2].rstrip(".")
        kind = re.search("valid (integer|number|float)", why)  # the words around differ from version to version
        if not kind:
            return f"{where}: {why}"
        return f"{where} takes a {'whole number' if kind[1] == 'integer' else 'number'}"
    return f"{text[:1].lower()}{text[1:]}".rstrip(".")


def _out_of_memory(error: Exception) -> bool:
    if "torch" not in sys.modules:  # which has errors of its own for that, and is not loaded for what others say
        return isinstance(error, MemoryError)
    from denoise_cli.runtime.device import out_of_memory

    return out_of_memory(error)
