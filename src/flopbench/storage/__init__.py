"""How tensors are stored: data types, quantisation schemes, and which tensors have which."""

from flopbench.storage.dtypes import DTYPE_BITS, bytes_of, dtype_bits, dtype_named, is_dtype
from flopbench.storage.matrix import Matrix
from flopbench.storage.packed import Packed
from flopbench.storage.scheme import Plain, Scheme, Stored
from flopbench.storage.schemes import SCHEMES, scheme_named
from flopbench.storage.storage import KEPT, Storage

__all__ = [
    "DTYPE_BITS",
    "KEPT",
    "SCHEMES",
    "Matrix",
    "Packed",
    "Plain",
    "Scheme",
    "Storage",
    "Stored",
    "bytes_of",
    "dtype_bits",
    "dtype_named",
    "is_dtype",
    "scheme_named",
]
