"""Closed forms that are measured on the vendor: traced with symbols, or interpolated."""
