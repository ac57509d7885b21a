"""A live view of a running study in the browser: optuna-dashboard over a copy in memory."""
