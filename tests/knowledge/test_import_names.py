"""What to install for what is imported."""

from __future__ import annotations

import pytest

from envlock.knowledge.import_names import distribution_of


@pytest.mark.parametrize(
    ("import_name", "distribution"),
    [
        ("cv2", "opencv-python"),
        ("PIL.Image", "pillow"),
        ("sklearn", "scikit-learn"),
        ("yaml", "pyyaml"),
        ("skimage", "scikit-image"),
        ("google.protobuf.message", "protobuf"),
        ("numpy", "numpy"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
        ("pyLDAvis", "pyldavis"),
        ("google", None),
        ("google.cloud", None),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("google.rpc.status_pb2", "googleapis-common-protos"),
        ("no_such_module", None),
    ],
)
def test_a_module_is_of_a_distribution(import_name: str, distribution: str | None) -> None:
    assert distribution_of(import_name) == distribution
