"""Random masks for models: from nothing to everything, whole channels among them."""

import numpy as np

from apollo.workloads.model import Model
from apollo.workloads.sparsity import masks_of, with_masks

DENSITIES = (0.0, 0.01, 0.1, 0.3, 0.6, 1.0)


def random_masked(model: Model, seed: int) -> Model:
    """The model with random masks: a density for each layer, some channels empty or full."""
    rng = np.random.default_rng(seed)
    masks = {}
    for key, mask in masks_of(model).items():
        kept = rng.random(mask.shape) < rng.choice(DENSITIES)
        kept[rng.random(len(kept)) < 0.15] = False
        kept[rng.random(len(kept)) < 0.05] = True
        masks[key] = kept
    return with_masks(model, masks)
