"""Tables and figures of a study, made from stored trials alone."""
