"""`denoise-img score RESULT CLEAN`: how near results come to the clean pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from denoise_cli.cli import options

app = options.application()


@app.command()
def score(
    result: Annotated[str, typer.Argument(metavar="RESULT", hidden=True)],
    clean: Annotated[str, typer.Argument(metavar="CLEAN", hidden=True)],
    white: options.White = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """PSNR and SSIM of results against clean pictures, one by one, and their means.

    RESULT and CLEAN: a picture each, a folder each, or a pattern each, in quotes.

    The pictures of two folders belong together by their names, with or without the .denoised of a result; those of
    patterns by their order. Both are rounded to 8 bits.
    """
    import json as jsonlib
    from statistics import mean

    from denoise_cli.cli.stream import STREAM
    from denoise_cli.errors import UsageError
    from denoise_cli.measure.quality import finite, psnr, ssim
    from denoise_cli.measure.sets import paired_set, read_pair

    if STREAM in (result, clean):
        raise UsageError("score compares files and reads none from stdin; name files or folders in place of -")
    pairs = paired_set(result, clean, white, results=True)
    scores = []
    for first, second in zip(pairs.noisy, pairs.clean, strict=True):
        ours, truth = read_pair(first, second, white)
        scores.append((first, psnr(ours, truth), ssim(ours, truth)))
    means = mean(score[1] for score in scores), mean(score[2] for score in scores)
    if json:
        rows = [{"picture": str(path), "psnr": finite(ratio), "ssim": likeness} for path, ratio, likeness in scores]
        print(jsonlib.dumps({"pictures": rows, "psnr": finite(means[0]), "ssim": means[1]}))
        return
    for path, ratio, likeness in scores:
        print(f"{ratio:6.2f} dB  {likeness:.4f}  {path}")
    if len(scores) > 1:
        print(f"{means[0]:6.2f} dB  {means[1]:.4f}  the mean of {len(scores)}")
