"""Closed forms measured on the vendor: traced with symbols, or interpolated."""
