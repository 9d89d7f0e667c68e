"""What users give, read safely: files, numbers and YAML. For plugins, too."""

from flopbench.inputs.configs import config_path, read_config_json
from flopbench.inputs.files import read_bytes, read_json, read_text
from flopbench.inputs.numbers import integer
from flopbench.inputs.pages import Page, read_page

__all__ = [
    "Page",
    "config_path",
    "integer",
    "read_bytes",
    "read_config_json",
    "read_json",
    "read_page",
    "read_text",
]
