"""The masks of a network at a sparsity, whether it comes with weights or not."""

from apollo.workloads.model import Model
from apollo.workloads.sparsity.pruning import Masks, masks_of, prune
from apollo.workloads.sparsity.random_weights import with_values


def masks_at(model: Model, sparsity: float) -> Masks:
    """Masks of its own weights, or random ones if it has none, pruned layer by layer.

    Raises `ValueError` for a wrong sparsity and where there is nothing to prune.
    """
    return masks_of(prune(with_values(model)[0], sparsity))
