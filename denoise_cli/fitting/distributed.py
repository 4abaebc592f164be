"""Several processes that train one network, as torchrun starts them: each has patches of its own."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn


def join() -> None:
    """Joins the other processes in a group, where torchrun has started more than one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def leave() -> None:
    """Waits for the other processes and closes the group; a process that exits without it may abort on its way out."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def part() -> tuple[int, int]:
    """This process's number, from 0, and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def share(batch: int) -> int:
    """How many patches of a batch are this process's, one at the least."""
    return max(1, batch // part()[1])


def first() -> bool:
    """Whether this process is the one that tells and writes."""
    return part()[0] == 0


def same_start(network: nn.Module) -> None:
    """The first process's weights, for all."""
    if part()[1] > 1:
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0)


def share_gradients(network: nn.Module) -> None:
    """Every gradient becomes the mean of all processes', and the statistics of batch norms as well."""
    count = part()[1]
    if count == 1:
        return
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    statistics = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    for tensor in (*gradients, *statistics):
        dist.all_reduce(tensor)
        tensor /= count


def agreed(value: float) -> float:
    """The first process's figure, so that all decide alike."""
    if part()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, 0)
    return box[0]
