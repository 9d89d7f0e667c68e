"""Files of pages: what is no image is one sentence at once, and Pillow's warnings are not shown."""

import io
import os
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flopbench import UsageError
from flopbench.inputs import read_page
from flopbench_deepseek_ocr.architecture import read_architecture


def jpeg(exif=b""):
    data = io.BytesIO()
    Image.new("L", (30, 20)).save(data, "JPEG", exif=exif)
    return data.getvalue()


@pytest.mark.parametrize("read", [lambda path: read_page(str(path)), read_architecture])
def test_a_pipe_a_device_and_a_name_that_is_too_long_are_one_sentence(read, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(UsageError, match=r"cannot read .*: it is not a regular file"):
            read(path)
    with pytest.raises(UsageError, match=r"cannot read .*: File name too long"):
        read(Path("x" * 5000))


def test_broken_exif_data_changes_nothing_and_is_not_warned_of(tmp_path):
    (tmp_path / "page.jpg").write_bytes(jpeg(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01"))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        page = read_page(str(tmp_path / "page.jpg"))
    assert (page.width, page.height) == (30, 20)
    assert seen == []


@given(st.data())
def test_a_broken_image_is_a_page_or_one_sentence(tmp_path_factory, data):
    content = bytearray(jpeg(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("image") / "page.jpg"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        page = read_page(str(path))
    except UsageError as error:
        page = None
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - the other outcome
    assert page is None or page.width * page.height > 0
