"""What a file of weights holds beyond what a model takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from envlock import probes

PROBE = Path(next(iter(probes.__path__)), "load_model")

Shape = tuple[int, ...]


@pytest.fixture
def fitting(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the probe, whose neighbours are forgotten again."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(PROBE)
    import fitting

    yield fitting
    for name in set(sys.modules) - before:
        del sys.modules[name]


def model_of(**shapes: Shape) -> SimpleNamespace:
    """A model of one layer, whose variables are called as given."""
    named = {name.replace("__", "/"): shape for name, shape in shapes.items()}
    variables = [
        SimpleNamespace(name=f"{name}:0", path=name, shape=shape, dtype="float32") for name, shape in named.items()
    ]
    arrays = [SimpleNamespace(shape=shape) for shape in named.values()]
    return SimpleNamespace(weights=variables, layers=[SimpleNamespace(weights=variables)], get_weights=lambda: arrays)


MODEL = {"dense__kernel": (2, 1), "dense__bias": (1,)}
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        pytest.param(
            {
                "dense/kernel": (2, 1),
                "dense/bias": (1,),
                "dense/kernel/Adam": (2, 1),
                "beta1_power": (),
                "global_step": (),
                "more/kernel": (1, 3),
            },
            ["more/kernel (1, 3)"],
            id="by name, without what the optimizer keeps",
        ),
        pytest.param(
            {
                f"layer_with_weights-0/kernel{VALUE}": (2, 1),
                f"layer_with_weights-0/bias{VALUE}": (1,),
                f"layer_with_weights-1/kernel{VALUE}": (1, 3),
                f"layer_with_weights-2/bias{VALUE}": (1,),
                f"optimizer/iter{VALUE}": (),
                f"layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/m{VALUE}": (2, 1),
                f"keras_api/metrics/0/thresholds{VALUE}": (200,),
            },
            ["layer_with_weights-1/kernel (1, 3)", "1 more of (1,)"],
            id="by shape, where objects have other names",
        ),
        pytest.param({f"a/kernel{VALUE}": (2, 1), f"a/bias{VALUE}": (1,)}, [], id="nothing"),
    ],
)
def test_what_the_model_has_no_place_for_is_told(
    stored: Mapping[str, Shape], left: list[str], fitting: ModuleType
) -> None:
    assert fitting.find_left_over(model_of(**MODEL), stored) == left
