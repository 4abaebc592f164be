from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from denoise_cli.fitting import distributed

TRAINS = """
import sys, torch
from denoise_cli.fitting import distributed
from denoise_cli.fitting.loop import train
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network

distributed.join()
number, count = distributed.part()
recipe = Recipe("dncnn", {"channels": 1, "filters": 4, "layers": 3}, steps=5, batch=4, patch=16, warmup=1, ema=0.5)
torch.manual_seed(number)  # on purpose: the first one's weights count

class Noise:
    seen = []
    def loss(self, network, random):
        x = torch.randn(distributed.share(recipe.batch), 1, 16, 16, generator=random)
        self.seen.append(x)
        return network(x).square().mean()
    def psnr(self, network):
        return float(number)

reports = []
start, cpu = build(recipe.architecture, recipe.arguments), torch.device("cpu")
network = train(start, recipe, Noise(), device=cpu, report=reports.append)
outcome = {"weights": network.state_dict(), "count": count, "seen": Noise.seen, "reports": len(reports)}
torch.save(outcome, f"{sys.argv[1]}/{number}.pt")
distributed.leave()
assert distributed.part() == (0, 1)
"""


def test_one_process_is_alone() -> None:
    assert distributed.part() == (0, 1)
    assert distributed.first()
    assert distributed.share(16) == 16
    assert distributed.agreed(3.0) == 3.0


def test_two_processes_train_one_network_on_patches_of_their_own(tmp_path: Path) -> None:
    script = tmp_path / "trains.py"
    script.write_text(TRAINS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    root = str(Path(distributed.__file__).parents[2])
    subprocess.run(
        [*command, str(tmp_path)], check=True, env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    )
    one, other = (torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in (0, 1))
    assert one["count"] == other["count"] == 2
    assert all(torch.equal(one["weights"][name], other["weights"][name]) for name in one["weights"])
    assert not torch.equal(one["seen"][0], other["seen"][0])
    assert one["seen"][0].shape[0] == 2
    assert (one["reports"], other["reports"]) == (1, 0)
