"""What the machine is: accelerator, search space, instruction set, cycle rules, area."""
