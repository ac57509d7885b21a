"""Artifacts of the compiler's stages as text and as a picture."""

from apollo.compiler.dump.artifacts import artifacts, write_artifacts

__all__ = ["artifacts", "write_artifacts"]
