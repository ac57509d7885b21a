"""Figures of the exploration study, drawn from its rows."""
