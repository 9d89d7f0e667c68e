"""What transformers calls a linear layer, by its component and role."""

from __future__ import annotations

from collections.abc import Mapping

_OF_PARTS: Mapping[str, Mapping[str, str]] = {
    "vision/sam/": {"q_k_v": "qkv", "o": "proj", "up": "lin1", "down": "lin2"},
    "vision/clip/": {"o": "out_proj", "up": "fc1", "down": "fc2"},
}
"""Names that are not the role and ``_proj``."""


def layer_name(component: str, role: str) -> str:
    """Return the own name of a layer's module."""
    found = (names for part, names in _OF_PARTS.items() if component.startswith(part))
    return next(found, {"head": "lm_head"}).get(role, f"{role}_proj")


def roles_of(component: str, name: str) -> tuple[str, ...]:
    """Return the roles that a module of a component has, by its own name."""
    roles = ("q", "k", "v", "q_k_v", "o", "gate", "up", "down", "head")
    return tuple(role for role in roles if layer_name(component, role) == name)
