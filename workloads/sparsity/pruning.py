"""Models with weights removed."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from functools import partial

import numpy as np

from apollo.workloads.model import Constant, Model
from apollo.workloads.sparsity.blocks import Block
from apollo.workloads.sparsity.layers import (
    Array,
    Bools,
    Factors,
    Layers,
    along_axis,
    factors,
    from_channels,
    pruned_names,
)
from apollo.workloads.sparsity.magnitude import check_sparsity, keep_masks

Masks = Mapping[tuple[str, str], Bools]  # by operator and role; True stays; of the stored shape


class Share(Enum):
    """How layers share the wanted sparsity."""

    LAYER = "layer"  # each one has it
    GLOBAL = "global"  # all have one threshold, and together the sparsity


def prune(
    model: Model,
    sparsity: float,
    *,
    layers: Layers = Layers.ALL,
    share: Share = Share.LAYER,
    block: Block | None = None,
    ends: bool = False,
) -> Model:
    """The model with the weights of the least magnitude removed.

    Args:
        model: with values.
        sparsity: share of the factors of the pruned layers that become 0.
        layers: which kinds are pruned.
        share: by layer or over all layers. Magnitudes are those of the real values.
        block: removed together; single factors if it is None.
        ends: whether the first full convolution and the final layers are pruned, too.

    Raises `ValueError` for a wrong sparsity and where there is nothing to prune.

    """
    check_sparsity(sparsity)
    chosen = _chosen(model, layers, ends)
    groups = [chosen] if share is Share.GLOBAL else [[item] for item in chosen]
    masks: dict[tuple[str, str], Bools] = {}
    for group in groups:
        magnitudes = [item.magnitudes() for item in group]
        kept = keep_masks(magnitudes, sparsity, block or Block())
        for item, mask in zip(group, kept, strict=True):
            masks[item.key] = from_channels(item.operator, mask, item.constant.shape)
    return with_masks(model, masks)


def masks_of(model: Model) -> dict[tuple[str, str], Bools]:
    """Where the factors of a model are not 0: the masks of a network that came pruned."""
    return {
        item.key: from_channels(item.operator, item.nonzero(), item.constant.shape)
        for item in factors(model)
    }


def with_masks(model: Model, masks: Masks) -> Model:
    """The model with the constants that have a mask set to 0 where it is False.

    Raises `ValueError` for a mask of another shape or of no constant.
    """
    constants = dict(model.constants)
    for key, mask in masks.items():
        constant = model.constant(*key)
        if mask.shape != constant.shape:
            raise ValueError(
                f"The mask of {key[0]!r} must have shape {constant.shape}, not {mask.shape}."
            )
        constants[key] = replace(constant, read=partial(_masked, constant, mask))
    return replace(model, constants=constants)


def _chosen(model: Model, layers: Layers, ends: bool) -> list[Factors]:
    stored = list(factors(model))
    if not stored:
        raise ValueError(f"Network {model.graph.name!r} has no stored weights to prune.")
    names = pruned_names(model.graph, layers, ends)
    chosen = [item for item in stored if item.operator.name in names]
    if not chosen:
        raise ValueError(
            f"Network {model.graph.name!r} has no layers of the kind {layers.value!r} to prune, "
            "the first full convolution and the final layers apart."
        )
    return chosen


def _masked(constant: Constant, mask: Bools) -> Array:
    """Values with the zero point in the place of what is removed."""
    values, quantization = constant.values, constant.quantization
    zero: Array = np.zeros(1, values.dtype)
    if quantization is not None and any(quantization.zero_point):
        points = along_axis(quantization.zero_point, quantization.axis, values.ndim)
        zero = points.astype(values.dtype)
    return np.where(mask, values, zero)
