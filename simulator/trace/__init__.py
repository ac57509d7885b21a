"""A run over time, for viewers: Perfetto traces and value change dumps (docs/trace.md)."""
