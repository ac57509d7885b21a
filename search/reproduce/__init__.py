"""The published studies, reproduced: plans, rows, figures, and claims beside the statements."""
