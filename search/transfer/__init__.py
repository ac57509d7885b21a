"""What other studies are good for: their trials, mapped to a task and ranked anew for it."""
