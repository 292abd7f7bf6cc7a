"""Code in Keras configurations: bytecode of lambdas, files that a layer opens, modules that a loader imports."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from envlock.errors import ArtifactError
from envlock.knowledge.custom_objects import find_provider, module_of
from envlock.knowledge.loaders import own_packages
from envlock.knowledge.opened_files import keys_that_open_files
from envlock.provenance import Code

_LAMBDA_KEYS = ("function", "output_shape", "mask")
_CODE_OBJECT = frozenset(b"c\xe3")
"""First byte of a marshalled code object, without and with the mark that it may be referred to."""


def read_code(envelope: Mapping[str, Any], *, location: str) -> Iterator[Code]:
    """The code in one object of a configuration, what stands within it left aside."""
    name, config = envelope["class_name"], envelope["config"]
    if isinstance(config, dict):
        if name == "__lambda__":
            yield _bytecode("<lambda>", config.get("code"), location=f"{location}.config.code")
        elif name == "Lambda":
            yield from _lambda_layer(config, location=f"{location}.config")
        yield from _opened_files(name, config, location=f"{location}.config")
    if _imports_foreign_module(envelope):
        yield Code(kind="foreign-module", name=f"{envelope['module']}.{_object_name(envelope)}", location=location)


def _lambda_layer(config: Mapping[str, Any], *, location: str) -> Iterator[Code]:
    for key in _LAMBDA_KEYS:
        value = config.get(key)
        if config.get(f"{key}_type") != "lambda" or isinstance(value, dict):
            continue
        # Code, default values, closure; Keras 1.0 wrote the code alone.
        code = value[0] if isinstance(value, list) and value else value
        yield _bytecode(str(config.get("name", "Lambda")), code, location=f"{location}.{key}")


def _bytecode(name: str, text: object, *, location: str) -> Code:
    writers, readers = _code_lines(text, location)
    return Code(kind="lambda-bytecode", name=name, location=location, writer_lines=writers, reader_lines=readers)


def _code_lines(text: object, location: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines that the code points to: none where it is damaged, or of a Python that is not known."""
    # Few models hold code, and the tables of bytecode take longer to read than most models.
    from envlock.formats.marshal import read_code_lines
    from envlock.knowledge.bytecode import code_formats

    if not isinstance(text, str):
        return (), ()
    try:
        lines = read_code_lines(_marshalled(text), code_formats(), where=location)
    except ArtifactError:
        return (), ()
    return lines.writers, lines.readers


def _marshalled(text: str) -> bytes:
    """Bytes of the code: Base64 since Keras 2.1, the bytes as characters before."""
    try:
        decoded = binascii.a2b_base64(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error):
        decoded = b""
    if decoded[:1] and decoded[0] in _CODE_OBJECT:
        return decoded
    return text.encode("raw_unicode_escape", "surrogatepass")


def _opened_files(name: str, config: Mapping[str, Any], *, location: str) -> Iterator[Code]:
    for key in keys_that_open_files(name.rpartition(">")[2]):
        if isinstance(config.get(key), str):
            yield Code(kind="file-operation", name=f"{name}: {config[key]}", location=f"{location}.{key}")


def _imports_foreign_module(envelope: Mapping[str, Any]) -> bool:
    """Whether Keras imports a module of the artifact's choosing to make the object."""
    module = envelope.get("module")
    if not isinstance(module, str) or not module:
        return False
    package = module.partition(".")[0]
    if package in own_packages() or (module == "builtins" and envelope["class_name"] == "function"):
        return False
    registered_name = envelope.get("registered_name")
    provider = find_provider(envelope["class_name"], registered_name if isinstance(registered_name, str) else None)
    return provider is None or (module_of(provider) or "").partition(".")[0] != package


def _object_name(envelope: Mapping[str, Any]) -> str:
    config = envelope["config"]
    return config if isinstance(config, str) else str(envelope["class_name"])
