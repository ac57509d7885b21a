"""What a placed graph looks like: files, charts, traces."""
