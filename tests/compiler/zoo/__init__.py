"""Networks of the catalogue and files of others, executed on many designs."""
