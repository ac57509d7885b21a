"""Networks cut over several chips, each part compiled and simulated (docs/codesign.md)."""
