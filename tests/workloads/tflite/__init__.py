"""Tests of the import of TensorFlow Lite files."""
