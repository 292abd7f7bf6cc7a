"""Which modules a distribution brings, and whose a module is that several bring."""

from __future__ import annotations

from pathlib import PurePosixPath

import import_names
import pytest


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["PIL/__init__.py", "PIL/Image.py", "pillow-10.dist-info/RECORD"], {"PIL"}),
        (["six.py", "_six.py", "../../bin/six.py"], {"six"}),
        (["cv2/__init__.py", "cv2/cv2.abi3.so"], {"cv2"}),
        (["google/protobuf/__init__.py", "google/protobuf/internal/api.py"], {"google.protobuf"}),
        (
            ["google/cloud/extended_operations_pb2.py", "google/cloud/location/locations_pb2.py"],
            {"google.cloud.extended_operations_pb2", "google.cloud.location.locations_pb2"},
        ),
        (["google/cloud/storage/__init__.py", "google/cloud/storage/blob.py"], {"google.cloud.storage"}),
        (["tests/__init__.py", "setup.py", "a/__init__.py", "a.libs/b.so"], {"a"}),
    ],
)
def test_modules_are_read_from_the_list_of_files(files: list[str], names: set[str]) -> None:
    assert import_names.import_names(map(PurePosixPath, files)) == names


@pytest.mark.parametrize(
    ("name", "distributions", "chosen"),
    [
        ("yaml", {"pyyaml"}, "pyyaml"),
        ("cv2", {"opencv-python", "opencv-python-headless"}, "opencv-python"),
        ("typing_extensions", {"typing-extensions", "other"}, "typing-extensions"),
        ("demo", {"a", "b"}, None),
    ],
)
def test_one_distribution_is_chosen_or_none(name: str, distributions: set[str], chosen: str | None) -> None:
    assert import_names.choose(name, distributions, {"cv2": "opencv-python"}) == chosen
