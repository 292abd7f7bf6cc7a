"""A certificate that nobody vouches for is told as what it is, whichever tool meets it, and trusted where it is named."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from envlock.errors import CertificateError, EnvlockError
from envlock.package_index import AbsentFromIndexError, PackageIndex
from envlock.pip_process import DownloadError, download
from envlock.resolution.uv import UvResolver
from envlock.target import LINUX_X86_64, Target
from tests.index_server import serve_index

NAME = "a-distribution-that-no-cache-holds"
TARGET = Target(python="3.11", platform=LINUX_X86_64)
SETTINGS_OF_THIS_MACHINE = (
    *("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("PIP_CERT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
)

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an authority of nobody's, ``authority.pem``, and of the certificate ``server.pem`` that it signed."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "extensions").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    new_key = ["req", "-newkey", "rsa:2048", "-nodes"]
    for arguments in (
        [*new_key, "-x509", "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem"],
        [*new_key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.request"],
        [
            *("x509", "-req", "-in", "server.request", "-CA", "authority.pem", "-CAkey", "authority.key"),
            *("-CAcreateserial", "-extfile", "extensions", "-out", "server.pem"),
        ],
    ):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def address(authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index of nothing with that certificate, which uv and pip are to ask."""
    for name in SETTINGS_OF_THIS_MACHINE:
        monkeypatch.delenv(name, raising=False)
    with serve_index() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "server.pem", authority / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_port}/simple/"
        for name, value in {"PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": url}.items():
            monkeypatch.setenv(name, value)
        yield url


def ask_with_uv(address: str, folder: Path) -> None:
    UvResolver().resolve([Requirement(f"{NAME}==1")], constraints=[], target=TARGET, interpreter=None)


def ask_with_pip(address: str, folder: Path) -> None:
    download(f"{NAME}==1 --hash=sha256:{64 * '0'}\n", target=TARGET, workplace=folder / "workplace")


def ask_as_envlock(address: str, folder: Path) -> None:
    with PackageIndex(address) as index:
        index.files(NAME)


Ask = Callable[[str, Path], None]


@pytest.mark.parametrize("ask", [ask_with_uv, ask_with_pip, ask_as_envlock])
def test_an_unknown_authority_is_told_with_the_setting_that_makes_it_known(
    ask: Ask, address: str, tmp_path: Path
) -> None:
    with pytest.raises(CertificateError, match="the certificate of the package index is refused: ") as caught:
        ask(address, tmp_path)

    assert (caught.value.reference, caught.value.exit_code) == ("untrusted-certificate", 2)
    assert caught.value.hint == (
        "set SSL_CERT_FILE (for pip also PIP_CERT) to a file of the certificates to trust, with that of your company or"
        " proxy among them, then run the same command again"
    )


@pytest.mark.parametrize(
    ("ask", "answer"),
    [(ask_with_uv, EnvlockError), (ask_with_pip, DownloadError), (ask_as_envlock, AbsentFromIndexError)],
)
def test_the_settings_that_are_advised_make_it_known(
    ask: Ask, answer: type[EnvlockError], address: str, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "PIP_CERT"):
        monkeypatch.setenv(name, str(authority / "authority.pem"))

    with pytest.raises(answer) as caught:
        ask(address, tmp_path)

    # It could be asked, and has nothing.
    assert not isinstance(caught.value, CertificateError)


@pytest.mark.parametrize(
    "detail",
    [
        "invalid peer certificate: Expired",
        'invalid peer certificate: certificate not valid for name "localhost"',
        "certificate verify failed: certificate has expired",
        "certificate verify failed: Hostname mismatch, certificate is not valid for 'localhost'.",
        "certificate verify failed: certificate is not yet valid",
    ],
)
def test_what_trust_does_not_mend_is_not_advised(detail: str) -> None:
    assert CertificateError("installing", detail).hint == (
        "check the address of the index and the clock of this machine; else its operator has to renew it"
    )
