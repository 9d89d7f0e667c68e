"""What users give, read safely: files, numbers and YAML. For plugins, too."""

from flopbench.inputs.configs import config_path, read_config
from flopbench.inputs.files import read_bytes, read_json, read_text
from flopbench.inputs.numbers import integer

__all__ = [
    "config_path",
    "integer",
    "read_bytes",
    "read_config",
    "read_json",
    "read_text",
]
