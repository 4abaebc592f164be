"""TIFF files keep their tags and directories."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

from tests.images.helpers import ICC, XMP, directories, exif, noise, opened, read, saved, through, write
from tests.images.tiffs import raw_directories, tags_of, tiff


def test_profile_xmp_orientation_resolution_and_private_tags_stay():
    tags = [
        (270, 2, None, "a picture", True), (274, 3, 1, 6, True), (306, 2, None, "2024:02:29 12:30:00", True),
        (700, 1, len(XMP), XMP, True), (34675, 7, len(ICC), ICC, True), (65000, 3, 2, (1, 65535), True),
        (65001, 12, 2, (0.1, -2.5), True), (65002, 5, 1, (1, 3), True), (65003, 10, 1, (-1, 3), True),
        (65004, 7, 5, b"\0\1\2\3\4", True), (65005, 2, None, "text", True), (65006, 9, 1, -5, True),
        (33723, 7, 8, b"IPTCIPTC", True), (65007, 7, 4, b"four", True), (305, 2, None, "some program", True),
    ]  # fmt: skip
    resolution = {"resolution": ((3000, 10), (472, 1)), "resolutionunit": 3}
    data = tiff(noise(7, 13), photometric="minisblack", extratags=tags, software=False, **resolution)
    before, after = tags_of(data), tags_of(through(data))
    for code in [tag[0] for tag in tags] + [282, 283, 296]:
        assert after[code] == before[code], code


@pytest.mark.parametrize("unit", [0, 1, 77])
def test_odd_resolution_units_do_no_harm(unit):
    data = tiff(noise(7, 13), photometric="minisblack", resolution=(3, 4), resolutionunit=1)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[0].tags[296].valueoffset
    assert tags_of(through(data[:at] + bytes([unit]) + data[at + 1 :]))[296][2] == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_exif_and_gps_directories_stay_with_their_types(order, big):
    # from a JPEG, as it would come from a camera, so that a TIFF with directories exists in the first place
    jpeg = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=b"Exif\0\0" + exif(6, order))
    first = write(read(jpeg), "tiff")
    if big:
        images = read(first)
        object.__setattr__(images[0].baggage, "big", True)
        first = write(images, "tiff")
        assert first[2:3] == b"\x2b" or first[3:4] == b"\x2b"
    result = through(first)
    before, after = raw_directories(first), raw_directories(result)
    assert before == after == raw_directories(exif(6, order))
    assert after[34665][0x927C][1:] == (100, bytes(range(100)))
    assert after[34665][0x829A] == (5, 1, struct.pack(order + "II", 1, 125))
    assert after[34853][2][:2] == (5, 3)
    assert tags_of(result)[274][2] == 6
    if not big:
        # without the first, from which Pillow takes the orientation when it turns the picture
        assert directories(opened(result).getexif())[1:] == directories(exif(6, order))[1:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_what_lies_in_the_exif_directory_stays(order, big):
    """Interoperability, which says that a picture is in Adobe RGB."""
    tags = Pillow.Exif()
    tags.endian = order
    details = tags.get_ifd(0x8769)
    details[0x829A] = IFDRational(1, 125)
    details[0xA005] = {1: "R03", 2: b"0100"}
    jpeg = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=tags.tobytes())
    images = read(write(read(jpeg), "tiff"))
    object.__setattr__(images[0].baggage, "big", big)
    result = through(write(images, "tiff"))
    for file in (through(result, "png"), *([] if big else [result])):  # Pillow does not read all BigTIFFs
        found = opened(file).getexif()
        assert found.get_ifd(0x8769)[0x829A] == IFDRational(1, 125)
        assert dict(found.get_ifd(0xA005)) == {1: "R03", 2: b"0100"}


def test_descriptions_of_imagej_and_ome_stay_verbatim():
    file = io.BytesIO()
    tifffile.imwrite(file, noise(3, 7, 13, dtype=np.uint16), imagej=True, metadata={"axes": "ZYX", "Info": "cells"})
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as one:
        stack = [page.asarray() for page in one.pages]
        description, more = one.pages[0].description, one.pages[0].tags[50839].value
    if len(stack) == 3:
        result = through(file.getvalue())
        with tifffile.TiffFile(io.BytesIO(result)) as other:
            assert other.is_imagej
            assert other.pages[0].description == description
            assert other.pages[0].tags[50839].value == more
            np.testing.assert_array_equal(other.asarray(), stack)
    file = io.BytesIO()
    tifffile.imwrite(file, noise(3, 7, 13, dtype=np.uint16), ome=True, metadata={"axes": "ZYX"})
    result = through(file.getvalue())
    file.seek(0)
    with tifffile.TiffFile(file) as one, tifffile.TiffFile(io.BytesIO(result)) as other:
        assert other.is_ome
        assert other.pages[0].description == one.pages[0].description
        np.testing.assert_array_equal(other.asarray(), one.asarray())


def test_large_tags_stay(tmp_path):
    """As of layers, which may be most of a file."""
    path, layers = tmp_path / "a.tif", bytes(70 << 20)
    tifffile.imwrite(path, noise(7, 13, 3), photometric="rgb", extratags=[(37724, 7, len(layers), layers, True)])
    result = tmp_path / "b.tif"
    result.write_bytes(through(path.read_bytes()))
    with tifffile.TiffFile(result) as file:
        assert file.pages[0].tags[37724].valuebytecount == len(layers)
