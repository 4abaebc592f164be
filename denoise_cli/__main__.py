"""`python -m denoise_cli` is `denoise-img`."""

from __future__ import annotations

from denoise_cli.cli.main import main

if __name__ == "__main__":
    main()
