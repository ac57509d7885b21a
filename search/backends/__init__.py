"""Where the points of a batch are evaluated: in this process, in others, on other machines."""
