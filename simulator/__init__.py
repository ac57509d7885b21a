"""What a program costs on an accelerator, cycle for cycle."""
