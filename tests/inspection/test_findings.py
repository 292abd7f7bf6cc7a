"""What a person is told about an artifact."""

from __future__ import annotations

from envlock.dating import date_artifact
from envlock.inspection.findings import find_findings
from envlock.loadability import find_custom_objects
from tests.building import evidence, operation, provenance


def test_a_graph_for_tensorrt_is_told_in_one_finding() -> None:
    artifact = provenance(
        format="saved-model",
        evidence=evidence(tensorflow_version="2.10.1"),
        operations=(operation("CreateTRTResourceHandle"), operation("MatMul"), operation("TRTEngineOp")),
    )
    saver = date_artifact(artifact)

    (finding,) = find_findings(artifact, saver, find_custom_objects(artifact, saver))

    assert (finding.reference, finding.severity) == ("gpu-operation", "warning")
    assert finding.message == (
        "the graph was converted for TensorRT: "
        "only builds for NVIDIA GPUs on Linux have CreateTRTResourceHandle, TRTEngineOp"
    )
    assert finding.hint == "take the model as it was before, or make the environment for such a GPU with --device cuda"
