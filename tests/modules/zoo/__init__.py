"""The zoo: modules and callables of many kinds, each with the inputs of one call."""

from modules.zoo.attention import ATTENTION
from modules.zoo.audio import AUDIO
from modules.zoo.decoders import DECODERS
from modules.zoo.diffusion import DIFFUSION
from modules.zoo.elementwise import ELEMENTWISE
from modules.zoo.functional import FUNCTIONAL
from modules.zoo.linear_algebra import LINEAR_ALGEBRA
from modules.zoo.losses import LOSSES
from modules.zoo.multimodal import MULTIMODAL
from modules.zoo.products import PRODUCTS
from modules.zoo.recurrent import RECURRENT
from modules.zoo.spatial import SPATIAL
from modules.zoo.specimen import Specimen, run
from modules.zoo.text_encoders import TEXT_ENCODERS
from modules.zoo.unets import UNETS
from modules.zoo.user_modules import USER_MODULES
from modules.zoo.vision import VISION

LAYERS = [*PRODUCTS, *RECURRENT, *ATTENTION, *ELEMENTWISE, *SPATIAL, *LOSSES]
"""Of torch.nn."""
TRANSFORMERS = [*TEXT_ENCODERS, *DECODERS, *VISION, *AUDIO, *MULTIMODAL]
DIFFUSERS = [*UNETS, *DIFFUSION]
USER_CODE = [*FUNCTIONAL, *LINEAR_ALGEBRA, *USER_MODULES]
SPECIMENS = [*LAYERS, *TRANSFORMERS, *DIFFUSERS, *USER_CODE]

__all__ = [
    "DIFFUSERS",
    "LAYERS",
    "SPECIMENS",
    "TRANSFORMERS",
    "USER_CODE",
    "Specimen",
    "run",
]
