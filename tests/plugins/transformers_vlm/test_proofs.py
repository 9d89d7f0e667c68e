"""Laws of towers in the number of cells or tiles, and of the decoders that read them."""
