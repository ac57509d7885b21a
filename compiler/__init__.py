"""From a graph to the program of an accelerator: one file a stage, one artifact a stage."""
