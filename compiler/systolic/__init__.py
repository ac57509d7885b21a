"""Lowering onto the systolic array: layers in, a program and its layout out."""
