"""`denoise-img demo`: a web page to draw on and to drop pictures onto."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from denoise_cli.cli import options

app = options.application()


@app.command()
def demo(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; at 0.0.0.0 all who reach this computer can use it.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        options.number("0..65535", 0, 65535, help="The port to listen at; 0: any that is free."),
    ] = 8517,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    megabytes: Annotated[float, options.number("MB", 0, 1e6, help="The largest file that it takes.")] = 200,
    megapixels: Annotated[
        float,
        options.number(
            "MP",
            0,
            1e6,
            help="The largest picture that it takes, all pages together.",
        ),
    ] = 60,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """A page in your browser: draw a digit and watch noise go, or drop a picture and compare. Ctrl-C ends it.

    It works offline and keeps nothing. Scripts can use it too: the page says how.
    """
    from denoise_cli.errors import UsageError
    from denoise_cli.runtime.words import check_device

    try:
        from denoise_cli.demo.app import Limits
        from denoise_cli.demo.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in ("flask", "werkzeug", "waitress"):
            raise
        raise UsageError(f"the page needs {error.name}, which is missing: pip install 'denoise-img[demo]'") from None

    check_device(device)
    if not host:
        raise UsageError("an empty --host is no address; 0.0.0.0 stands for all that this computer has")

    def ready(address: str) -> None:
        if not quiet:
            print(f"{address}  (Ctrl-C ends it)", file=sys.stderr)
        if open_browser:
            import webbrowser

            webbrowser.open(address)

    serve(host, port, Limits(megabytes, megapixels), device, ready)
