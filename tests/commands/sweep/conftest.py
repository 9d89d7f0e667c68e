"""A cluster for the tests of this folder."""

from support.clusters import cluster  # noqa: F401 - a fixture
