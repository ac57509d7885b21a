"""The site of the documentation: `make docs`. Nothing is fetched, and a broken link is an error."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Apollo"
version = release = metadata.version("apollo-dse")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "commands"]
exclude_patterns = ["example_plugin"]
default_role = "code"
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"Apollo {version}"
html_copy_source = html_show_sourcelink = False
