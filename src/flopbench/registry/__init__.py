"""Plugins: the hooks, how they are loaded, and the catalog of what they provide."""
