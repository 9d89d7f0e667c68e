"""Small configs of the types in families/linear.py: the fields of each."""

OWN = {}
