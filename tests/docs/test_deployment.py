"""docs/deployment.md: its pictures are those of its command."""

import re

import make_deployment
import pytest


def texts(svg):
    return sorted(re.findall(r">([^<>\n]+)</text>", svg.decode()))


def test_the_pictures_say_what_the_command_draws_today():
    pytest.importorskip("matplotlib")
    drawn = make_deployment.pictures()
    assert {*drawn} == {"deployment-roofline.svg", "deployment-bound_shares.svg"}
    for name, picture in drawn.items():
        shown = (make_deployment.PICTURES / name).read_bytes()
        assert texts(shown) == texts(picture) != []
        assert f"images/{name}" in make_deployment.PAGE.read_text(encoding="utf-8")
