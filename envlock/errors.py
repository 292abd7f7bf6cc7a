"""Every error that envlock raises: one root, one class for each thing a person can do about it."""

from __future__ import annotations

from collections.abc import Sequence


class EnvlockError(Exception):
    """The root of all errors that envlock raises on purpose.

    ``str(error)`` is one line that says what was expected, what was found and where.
    """

    reference: str = "envlock-error"
    """Kebab-case name of the kind of error: stable, so that scripts and the documentation can name it."""

    exit_code: int = 2
    """1: asked and answered no. 2: wrong usage, unreadable input, or the outside world failed."""

    hint: str = ""
    """What to do next, as one clause; empty where there is nothing to advise."""


class UsageError(EnvlockError):
    """The call itself cannot be carried out, whatever the artifact holds."""

    reference = "usage"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


# --- reading artifacts ---------------------------------------------------------------------------------------


class ArtifactError(EnvlockError):
    """An artifact cannot be read."""

    reference = "unreadable-artifact"


class MissingArtifactError(ArtifactError):
    """Nothing is at the path given, or it may not be opened."""

    reference = "missing-artifact"
    hint = "check the path and its permissions"

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class TruncatedFileError(ArtifactError):
    """A file ends before the structure that its header announces."""

    reference = "truncated-file"
    hint = "copy or download the file again: its end is missing"

    def __init__(self, where: str, *, offset: int, expected: int, found: int) -> None:
        super().__init__(where, offset, expected, found)
        self.where, self.offset, self.expected, self.found = where, offset, expected, found

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected} bytes at offset {self.offset}, found {self.found}"


class DamagedFileError(ArtifactError):
    """The bytes contradict the format that the file claims to have."""

    reference = "damaged-file"
    hint = "get the file again from where it was saved: its content was changed"

    def __init__(self, where: str, problem: str, *, offset: int | None = None) -> None:
        super().__init__(where, problem, offset)
        self.where, self.problem, self.offset = where, problem, offset

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at offset {self.offset}"
        return f"{self.where}{place}: {self.problem}"


class LimitExceededError(ArtifactError):
    """A structure is larger or deeper than any artifact needs; reading on could exhaust the machine."""

    reference = "limit-exceeded"
    hint = "an honest model file does not need this; treat the file as hostile"

    def __init__(self, where: str, *, what: str, limit: int, found: int) -> None:
        super().__init__(where, what, limit, found)
        self.where, self.what, self.limit, self.found = where, what, limit, found

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.found} is over the limit of {self.limit}"


class UnsupportedFeatureError(ArtifactError):
    """The format allows this, but envlock does not read it."""

    reference = "unsupported-feature"
    hint = "save the model again without it, or report the file's origin so that it can be supported"

    def __init__(self, where: str, feature: str) -> None:
        super().__init__(where, feature)
        self.where, self.feature = where, feature

    def __str__(self) -> str:
        return f"{self.where}: {self.feature} is not supported"


class NotAModelError(ArtifactError):
    """The file is readable and is something else than a model."""

    reference = "not-a-model"

    def __init__(
        self, path: str, *, found: str, hint: str = "pass the file or folder that the model was saved to"
    ) -> None:
        super().__init__(path, found)
        self.path, self.found, self.hint = path, found, hint

    def __str__(self) -> str:
        return f"{self.path}: expected a saved model, found {self.found}"


# --- choosing and locking ------------------------------------------------------------------------------------


class NoCandidateError(EnvlockError):
    """No release that is known loads the artifact on a Python that can be had."""

    reference = "no-environment"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", attempts: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.hint, self.attempts = hint, tuple(attempts)


class ResolutionError(EnvlockError):
    """The requirements of a candidate contradict each other, or the index lacks what they need."""

    reference = "unresolvable"
    exit_code = 1

    def __init__(self, candidate: str, explanation: str) -> None:
        super().__init__(candidate, explanation)
        self.candidate, self.explanation = candidate, explanation

    def __str__(self) -> str:
        return f"{self.candidate}: no set of distributions satisfies it: {self.explanation}"


class NetworkError(EnvlockError):
    """The package index could not be reached."""

    reference = "no-network"
    hint = "check the connection, the proxy and the index settings of uv, then run the same command again"

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(action, detail)
        self.action, self.detail = action, detail

    def __str__(self) -> str:
        return f"{self.action}: the package index cannot be reached: {self.detail}"


class CertificateError(NetworkError):
    """The package index, or a proxy before it, shows a certificate that is not trusted, or not valid."""

    reference = "untrusted-certificate"

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(action, detail)
        is_known_authority = any(word in detail.lower() for word in ("expired", "not valid for", "not yet valid"))
        self.hint = _RENEW_CERTIFICATE if is_known_authority else _TRUST_AUTHORITY

    def __str__(self) -> str:
        return f"{self.action}: the certificate of the package index is refused: {self.detail}"


_TRUST_AUTHORITY = (
    "set SSL_CERT_FILE (for pip also PIP_CERT) to a file of the certificates to trust, with that of your company or"
    " proxy among them, then run the same command again"
)
_RENEW_CERTIFICATE = "check the address of the index and the clock of this machine; else its operator has to renew it"


def unreachable_index(action: str, detail: str) -> NetworkError:
    """That *action* ended for want of the package index, for which *detail* is what uv, pip or Python says."""
    is_about_certificates = "certificate" in detail.lower()
    return CertificateError(action, detail) if is_about_certificates else NetworkError(action, detail)


# --- building and writing ------------------------------------------------------------------------------------


class OccupiedPathError(EnvlockError):
    """A file or folder that envlock did not write is where it was to write."""

    reference = "occupied-path"

    def __init__(self, path: str, *, found: str, hint: str) -> None:
        super().__init__(path, found)
        self.path, self.found, self.hint = path, found, hint

    def __str__(self) -> str:
        return f"{self.path}: {self.found}, left untouched"


class WriteError(EnvlockError):
    """The operating system refused to write: no space, no permission, a read-only disk."""

    reference = "cannot-write"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason
        is_full = "space" in reason or "quota" in reason
        self.hint = "free some space" if is_full else "choose another place"

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InstallationError(EnvlockError):
    """An environment could not be built from its lock."""

    reference = "installation-failed"

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what, detail)
        self.what, self.detail = what, detail

    def __str__(self) -> str:
        return f"{self.what}: {self.detail}"
