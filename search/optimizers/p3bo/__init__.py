"""Population-based optimisation: a batch is drawn from several optimizers by what they found."""
