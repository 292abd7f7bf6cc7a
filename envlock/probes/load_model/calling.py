"""The forward pass: a model is called until it takes an input.

A callable model offers `specifications(known)`, a structure (list or dict) of Specification, `declared()`, a list of
them for its outputs, and `ways(structure of arrays)`, functions that call it, each returning a structure of arrays.
One that holds nothing to call may offer `variables`.
"""

from findings import FAILURES, NoInputError, describe
from inputs import describe_inputs, make_arrays, recipes_for
from outputs import describe_outputs
from specifications import Specification, flatten
from texts import TEXTS, learn_feature

MOST_FEATURES = 64


def call(model, request, findings):
    """Call *model* on inputs made from what it says about them, or by the recipe of the *request*."""
    findings.enter("call the model")
    findings.set_variables(getattr(model, "variables", []))
    try:
        known = [
            Specification(item["name"], item["dtype"] or "float32", item["shape"]) for item in request.get("inputs", [])
        ]
        specifications = prepare(lambda: model.specifications(known))
        recipe = request.get("recipe")
        failure = (
            try_recipe(model, specifications, recipe, findings)
            if recipe
            else try_texts(model, specifications, findings)
        )
    except NoInputError as error:
        findings.set_refused({"error": describe(error)["error"], "traceback": ""}, is_legal=False)
        return
    if failure is not None:
        findings.set_refused(failure, is_legal=all(item.is_definite for item in flatten(specifications)))


def prepare(make):
    """What *make* returns; an error in making an input is our own, and none of the model."""
    try:
        return make()
    except NoInputError:
        raise
    except Exception as error:
        raise NoInputError("no input can be made: %s" % describe(error)["error"])


def try_texts(model, specifications, findings):
    """None when the model has taken an input; else why it refused the likeliest kind of text."""
    takes_text = any(item.dtype == "string" for item in flatten(specifications))
    failures = []
    for text in TEXTS if takes_text else TEXTS[:1]:
        failure = try_recipes(model, specifications, text, findings)
        if failure is None:
            return None
        failures.append(failure)
    return failures[0]


def try_recipes(model, specifications, text, findings):
    """None when the model has taken an input; else why it refused the last."""
    failure = None
    for recipe in recipes_for(specifications, text):
        failure = try_recipe(model, specifications, recipe, findings)
        if failure is None:
            return None
    return failure


def try_recipe(model, specifications, recipe, findings):
    """None when the model has taken what *recipe* makes, once it names the features that a record needs."""
    failure = None
    for _ in range(MOST_FEATURES):
        arrays = prepare(lambda: make_arrays(specifications, recipe))
        failure = try_ways(model, arrays, recipe, findings)
        if failure is None or not learn_feature(failure["error"], recipe["features"]):
            break
    return failure


def try_ways(model, arrays, recipe, findings):
    failure = None
    for way in model.ways(arrays):
        try:
            outputs = describe_outputs(way(), model.declared())
        except FAILURES as error:
            # The first refusal speaks of the model; later ones of the structure that was tried in addition.
            failure = failure or describe(error)
        else:
            findings.set_called(recipe, describe_inputs(arrays), outputs)
            return None
    return failure
