"""The plugins of a process that makes rows: loaded once, and the same as on the client's."""

from __future__ import annotations

from flopbench.commands.survey.request import SurveyRequest
from flopbench.digests import source_digest
from flopbench.errors import PluginError
from flopbench.registry.catalog import Catalog, build_catalog
from flopbench.registry.loading import load_plugins

_CATALOGS: dict[tuple[str, ...], Catalog] = {}
"""What plugins bring, loaded once in a process."""


def use(request: SurveyRequest, catalog: Catalog) -> None:
    """Make rows of this process with plugins that are loaded already."""
    _CATALOGS[request.plugins] = catalog


def catalog_of(request: SurveyRequest) -> Catalog:
    """Return what the request's plugins bring."""
    if request.plugins not in _CATALOGS:
        use(request, build_catalog(load_plugins([*request.plugins])))
    return _CATALOGS[request.plugins]


def code_of(catalog: Catalog) -> tuple[str | None, ...]:
    """Return digests of the code that prices and counts."""
    shelves = (catalog.models, catalog.vendor_models, catalog.attention_modes, catalog.counters)
    kinds = (kind for shelf in shelves for _, kind, _ in shelf)
    return tuple(dict.fromkeys(source_digest(kind) for kind in kinds))


def require_same(request: SurveyRequest, catalog: Catalog) -> None:
    """Require the code of the machine that asks for the row.

    Raises:
        PluginError: it is another one here.
    """
    if request.code and request.code != code_of(catalog):
        raise PluginError(
            "the code of flopbench, or of a plugin, is not what it is on the machine of this "
            "command: install the same on both"
        )
