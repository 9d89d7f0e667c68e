"""Small configs of the types in families/sparse.py: the fields of each."""

OWN = {}
