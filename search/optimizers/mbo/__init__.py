"""Model-based optimisation: regressors learn the reward, evolution searches what they predict."""
