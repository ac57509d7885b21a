"""Sparse networks: pruning by magnitude, compressed storage, statistics by layer."""

from apollo.workloads.sparsity.blocks import Block
from apollo.workloads.sparsity.layers import Kind, Layers, pruned_names
from apollo.workloads.sparsity.masks import masks_at
from apollo.workloads.sparsity.pruning import Masks, Share, masks_of, prune, with_masks
from apollo.workloads.sparsity.random_weights import with_random_weights, with_values
from apollo.workloads.sparsity.schedule import Schedule
from apollo.workloads.sparsity.statistics import (
    SparsityRow,
    SparsityTotal,
    statistics,
    to_frame,
    total,
)
from apollo.workloads.sparsity.storage import decode, encode

__all__ = [
    "Block",
    "Kind",
    "Layers",
    "Masks",
    "Schedule",
    "Share",
    "SparsityRow",
    "SparsityTotal",
    "decode",
    "encode",
    "masks_at",
    "masks_of",
    "prune",
    "pruned_names",
    "statistics",
    "to_frame",
    "total",
    "with_masks",
    "with_random_weights",
    "with_values",
]
