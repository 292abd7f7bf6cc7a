"""Code in Keras configurations: bytecode of lambdas, files that a layer opens, modules that a loader imports."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from envlock.errors import ArtifactError
from envlock.knowledge.custom_objects import find_provider, module_of
from envlock.knowledge.loaders import own_packages
from envlock.knowledge.opened_files import keys_that_open_files
from envlock.provenance import Code

if TYPE_CHECKING:
    from envlock.formats.marshal import CodeLines

_LAMBDA_KEYS = ("function", "output_shape", "mask")
_CODE_OBJECT = frozenset(b"c\xe3")
"""First byte of a marshalled code object, without and with the mark that it may be referred to."""


def read_code(envelope: Mapping[str, Any], *, location: str) -> Iterator[Code]:
    """The code in one object of a configuration, what stands within it left aside."""
    name, config = envelope["class_name"], envelope["config"]
    if isinstance(config, dict):
        if name == "__lambda__":
            yield read_bare_lambda(config, location=f"{location}.config")
        elif name == "Lambda":
            yield from _lambda_layer(config, location=f"{location}.config")
        yield from _opened_files(name, config, location=f"{location}.config")
    if _imports_foreign_module(envelope):
        yield Code(kind="foreign-module", name=f"{envelope['module']}.{_object_name(envelope)}", location=location)


def read_bare_lambda(config: Mapping[str, Any], *, location: str) -> Code:
    """The code in the ``config`` of a ``__lambda__``."""
    key = "code" if "code" in config else "value"
    return _bytecode("<lambda>", config.get(key), location=f"{location}.{key}")


def _lambda_layer(config: Mapping[str, Any], *, location: str) -> Iterator[Code]:
    for key in _LAMBDA_KEYS:
        value = config.get(key)
        if config.get(f"{key}_type") != "lambda" or isinstance(value, dict):
            continue
        code = _bytecode(str(config.get("name", "Lambda")), value, location=f"{location}.{key}")
        module = config.get("module" if key == "function" else f"{key}_module")
        # Keras looks names up in the function's own module too, where that has been imported.
        is_imported = isinstance(module, str) and module.partition(".")[0] in own_packages()
        yield code._replace(lookups=()) if is_imported else code


def _bytecode(name: str, value: object, *, location: str) -> Code:
    code = Code(kind="lambda-bytecode", name=name, location=location)
    # Code, default values, closure; Keras 1.0 wrote the code alone.
    found = _read_lines(value[0] if isinstance(value, list) and value else value, location)
    if found is None:
        return code
    return code._replace(writer_lines=found.writers, reader_lines=found.readers, lookups=found.lookups)


def _read_lines(text: object, location: str) -> CodeLines | None:
    """What the code tells; ``None`` where it is damaged, or of a Python that is not known."""
    # Few models hold code, and the tables of bytecode take longer to read than most models.
    from envlock.formats.marshal import read_code_lines
    from envlock.knowledge.bytecode import code_formats

    if not isinstance(text, str):
        return None
    try:
        return read_code_lines(_marshalled(text), code_formats(), where=location)
    except ArtifactError:
        return None


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
