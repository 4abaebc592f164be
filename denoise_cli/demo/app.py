"""The page's routes: a small JSON API, and static files."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

import flask
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from denoise_cli import DEFAULT_MODEL, __version__
from denoise_cli.batch.picture import Settings
from denoise_cli.batch.plan import MARK
from denoise_cli.demo.digits import Drawing, denoise_drawing
from denoise_cli.demo.jobs import BusyError, Job, Jobs
from denoise_cli.demo.shelf import Shelf
from denoise_cli.demo.work import AFTER, BEFORE, RESULT, SOURCE, Order
from denoise_cli.denoisers.noiser import Noiser
from denoise_cli.errors import DenoiseError, PictureError, UsageError
from denoise_cli.images.extent import pixels_in
from denoise_cli.images.formats import by_content
from denoise_cli.measure.quality import finite
from denoise_cli.noise.spec import NoiseRange

PATIENCE = 30.0  # seconds that a request with `wait` is held open, and that a drawing waits for the one before it
DRAWING = 100_000  # bytes, several times those of 784 numbers; parsed, JSON takes many times its size
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Limits:
    """What the page takes: megabytes of a file, megapixels of a picture, counted by `pixels_in`."""

    megabytes: float = 200
    megapixels: float = 60


def create_app(jobs: Jobs, shelf: Shelf, limits: Limits, hosts: frozenset[str] = frozenset()) -> flask.Flask:
    """The WSGI application. `hosts`: the names by which it may be called; empty for any. A page that anyone can name
    could be called by other sites' scripts under a name of theirs.
    """
    app = flask.Flask(__name__, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = round(limits.megabytes * 1e6)
    drawing = threading.Lock()

    @app.before_request
    def only_from_here() -> None:
        host, origin = flask.request.host, flask.request.headers.get("Origin")
        if hosts and urlsplit(f"//{host}").hostname not in hosts:
            flask.abort(403, f"this page does not answer to the name {host}")
        if origin and origin.split("://", 1)[-1] != host:
            flask.abort(403, "other sites may not use this page")

    @app.after_request
    def with_headers(response: flask.Response) -> flask.Response:
        response.headers.update(SECURITY)
        if not flask.request.path.startswith("/static"):
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[flask.Response, int]:
        return flask.jsonify(error=_sentence(error, limits)), error.code or 500

    @app.errorhandler(DenoiseError)
    def wrong(error: DenoiseError) -> tuple[flask.Response, int]:
        return flask.jsonify(error=str(error)), 400

    @app.errorhandler(RecursionError)
    def too_deep(error: RecursionError) -> tuple[flask.Response, int]:
        return flask.jsonify(error="the JSON is nested too deeply"), 400

    @app.errorhandler(BusyError)
    def busy(error: BusyError) -> tuple[flask.Response, int, dict[str, str]]:
        return flask.jsonify(error="too many pictures are waiting; try again soon"), 503, {"Retry-After": "10"}

    @app.get("/")
    def page() -> flask.Response:
        return app.send_static_file("index.html")

    @app.get("/api/denoisers")
    def denoisers() -> flask.Response:
        known = [
            {
                "name": card.name,
                "summary": card.summary,
                "level": card.level,
                "digits": shelf.for_digits(card),
            }
            for card in shelf.cards.values()
        ]
        return flask.jsonify(version=__version__, denoisers=known, megabytes=limits.megabytes)

    @app.post("/api/digits")
    def digits() -> flask.Response:
        if (flask.request.content_length or 0) > DRAWING:
            flask.abort(413, f"a drawing takes no more than {DRAWING // 1000} kB")
        wanted = Drawing.parse(flask.request.get_json())
        if not drawing.acquire(timeout=PATIENCE):
            raise BusyError
        try:
            return flask.jsonify(denoise_drawing(wanted, shelf))
        finally:
            drawing.release()

    @app.post("/api/denoise")
    def denoise() -> tuple[flask.Response, int]:
        upload, form = flask.request.files.get("picture"), flask.request.form
        if upload is None or not upload.filename:
            raise UsageError("the picture is missing: send it as multipart/form-data in a field called picture")
        with jobs.new_folder() as folder:
            order = _order(upload, form, folder, shelf, limits)
            job = jobs.submit(order)
        _wait(job, form)
        return flask.jsonify(_told(job, jobs)), 200 if job.future.done() else 202

    @app.get("/api/jobs/<name>")
    def told(name: str) -> flask.Response:
        job = _job(name, jobs)
        _wait(job, flask.request.args)
        return flask.jsonify(_told(job, jobs))

    @app.delete("/api/jobs/<name>")
    def cancel(name: str) -> tuple[str, int]:
        jobs.cancel(_job(name, jobs))
        return "", 204

    @app.get("/api/jobs/<name>/<what>")
    def result(name: str, what: str) -> flask.Response:
        job = _job(name, jobs)
        if what not in (RESULT, BEFORE, AFTER):
            flask.abort(404, f"a job has no {what}; it has {RESULT}, {BEFORE} and {AFTER}")
        if job.state != "done":
            flask.abort(409, f"the picture is not there; its job is {job.state}")
        named = job.order.name if what == RESULT else None
        return flask.send_file(job.order.folder / what, as_attachment=named is not None, download_name=named)

    return app


def _sentence(error: HTTPException, limits: Limits) -> str:
    """What is wrong with a request, in the words of this page rather than of a web server."""
    if error.description == type(error).description:
        asked = flask.request
        if isinstance(error, RequestEntityTooLarge):
            return f"the file is larger than {limits.megabytes:g} MB"
        if isinstance(error, NotFound):
            return f"there is nothing at {asked.path}"
        if isinstance(error, MethodNotAllowed):
            return f"{asked.path} does not take {asked.method}, but {', '.join(sorted(error.valid_methods or ()))}"
    return error.description or error.name


def _order(upload: FileStorage, form: Mapping[str, str], folder: Path, shelf: Shelf, limits: Limits) -> Order:
    """Saves the upload and checks all that can be checked at once.

    Raises UsageError and PictureError, and HTTPException for what is too large.
    """
    strength, seed, noise = _number(form, "strength"), _number(form, "seed"), form.get("noise")
    settings = Settings(
        shelf.get(form.get("model") or DEFAULT_MODEL), 1.0 if strength is None else strength, _number(form, "sigma")
    )
    noiser = Noiser(NoiseRange.parse(noise), max(0, int(seed or 0))) if noise else None
    name = "".join(sign if sign.isprintable() else "_" for sign in upload.filename or "")
    title = PurePath(name.replace("\\", "/"))
    source = folder / SOURCE
    upload.save(source)
    try:
        with source.open("rb") as file:
            suffixes, megapixels = by_content(file).suffixes, pixels_in(file) / 1e6
    except PictureError as error:
        raise PictureError(f"{title.name} {error}") from None
    if megapixels > limits.megapixels:
        flask.abort(413, f"{title.name} counts as {megapixels:.1f} megapixels; {limits.megapixels:g} is the limit here")
    suffix = title.suffix if title.suffix.lower() in suffixes else suffixes[0]
    return Order(folder, title.name, f"{title.stem}{MARK}{suffix}", settings, noiser)


def _number(form: Mapping[str, str], name: str) -> float | None:
    """Raises UsageError for what is none."""
    text = form.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{name} is a number, not {text!r}")
    return value


def _wait(job: Job, fields: Mapping[str, str]) -> None:
    """Until it is over or patience is, if the request says `wait`, with or without a value that means yes."""
    if fields.get("wait", "0") not in ("0", "false"):
        job.over(PATIENCE)


def _job(name: str, jobs: Jobs) -> Job:
    job = jobs.get(name)
    if job is None:
        flask.abort(404, "there is no such job; results are kept for a while only")
    return job


def _told(job: Job, jobs: Jobs) -> dict[str, object]:
    facts: dict[str, object] = {"id": job.id, "state": job.state, "progress": round(job.share, 4)}
    if job.state == "waiting":
        facts["ahead"] = jobs.ahead_of(job)
    if job.error:
        facts["error"] = job.error
    if job.state == "done":
        outcome = asdict(job.future.result())
        at = f"/api/jobs/{job.id}"
        facts |= {name: finite(value) for name, value in outcome.items()}
        facts |= {"result": f"{at}/result", "before": f"{at}/{BEFORE}", "after": f"{at}/{AFTER}"}
    return facts
