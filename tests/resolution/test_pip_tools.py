"""How pip-compile is asked, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import CertificateError, EnvlockError, NetworkError, ResolutionError, UsageError
from envlock.interpreters import Interpreter
from envlock.resolution import DEFAULT_ENGINES, Pin, PinnedFile, Resolution, resolvers_of
from envlock.resolution import pip_tools as module
from envlock.resolution.pip_tools import PipToolsResolver, explain_failure
from envlock.resolution.uv import UvResolver
from envlock.target import LINUX_X86_64, WINDOWS_X86_64, Target, platform_here
from envlock.uv_process import UvError

PYTHON_38 = Path("/pythons/3.8/bin/python")

COMPILED = """\
absl-py==0.15.0           # via tensorflow
gast==0.2.2               # via tensorflow
six==1.17.0               # via -c constraints.txt, absl-py, tensorflow
tensorflow==2.3.4         # via -r requirements.in

# The following packages are considered to be unsafe in a requirements file:
setuptools==68.0.0        # via tensorflow
"""


def _listed(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "sha256": f"of-{name}", "url": f"https://me:secret@index/{name}"} for name in names]


LISTED = {
    "absl-py": _listed("absl_py-0.15.0-py3-none-any.whl", "absl-py-0.15.0.tar.gz"),
    "gast": _listed("gast-0.2.2.zip", "gast-0.2.2.tar.gz"),
    "setuptools": _listed("setuptools-68.0.0-py3-none-any.whl"),
    "six": [
        *_listed("six-1.17.0-py2.py3-none-any.whl"),
        {"name": "six-1.17.0-py2.py3-none-any.whl", "sha256": "built again", "url": "file:///wheels/six.whl"},
    ],
    "tensorflow": _listed(
        "tensorflow-2.3.4-cp38-cp38-manylinux_2_35_x86_64.whl",
        "tensorflow-2.3.4-cp38-cp38-manylinux2010_x86_64.whl",
        "tensorflow-2.3.4-cp38-cp38-manylinux1_x86_64.whl",
    ),
}


def _pin(name: str, version: str, *files: str, via: tuple[str, ...] = (), is_source: bool = False) -> Pin:
    return Pin(
        name=name,
        version=Version(version),
        files=tuple(PinnedFile(name=file, sha256=f"of-{file}", url=f"https://index/{file}") for file in files),
        via=via,
        is_source=is_source,
    )


@pytest.fixture
def fake_uv(
    tmp_path: Path, write_program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[object], Path]:
    """Stands in for uv on Linux x86_64: keeps what it is asked in the folder that is returned, and answers with files.

    The argument is what the listing of files is to say.
    """

    def make(listed: object) -> Path:
        (tmp_path / "compiled").write_text(COMPILED)
        (tmp_path / "listed").write_text(json.dumps(listed))
        program = write_program(
            "uv",
            f"""case "$*" in
            *pip-compile*)
                printf '%s\\n' "$@" > '{tmp_path}/command'
                env > '{tmp_path}/environment'
                cat requirements.in constraints.txt > '{tmp_path}/asked'
                cp pinned.txt '{tmp_path}/kept'
                cp '{tmp_path}/compiled' pinned.txt
                echo 'Looking in indexes' ;;
            *)
                cat > '{tmp_path}/names'
                cat '{tmp_path}/listed' ;;
            esac""",
        )
        monkeypatch.setattr("envlock.uv_process.find_uv_bin", lambda: str(program))
        monkeypatch.setattr(module, "platform_here", lambda: LINUX_X86_64)
        return tmp_path

    return make


def _resolve(python: str = "3.8", interpreter: Path | None = PYTHON_38, kept: tuple[str, ...] = ()) -> Resolution:
    return PipToolsResolver().resolve(
        [Requirement("tensorflow==2.3.4")],
        constraints=[Requirement("six<2")],
        target=Target(python=python, platform=LINUX_X86_64),
        interpreter=interpreter,
        kept=[Requirement(text) for text in kept],
    )


def test_what_is_kept_is_the_earlier_output_of_pip_compile(fake_uv: Callable[[object], Path]) -> None:
    folder = fake_uv(LISTED)

    _resolve(kept=("six==1.15.0", "gast==0.2.2"))

    assert (folder / "kept").read_text() == "six==1.15.0\ngast==0.2.2\n"


def test_pins_carry_the_files_that_the_target_installs(fake_uv: Callable[[object], Path]) -> None:
    fake_uv(LISTED)

    assert _resolve() == Resolution(
        pins=(
            _pin("absl-py", "0.15.0", "absl_py-0.15.0-py3-none-any.whl", via=("tensorflow",)),
            _pin("gast", "0.2.2", "gast-0.2.2.tar.gz", via=("tensorflow",), is_source=True),
            _pin("setuptools", "68.0.0", "setuptools-68.0.0-py3-none-any.whl", via=("tensorflow",)),
            _pin("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl", via=("absl-py", "tensorflow")),
            _pin(
                "tensorflow",
                "2.3.4",
                "tensorflow-2.3.4-cp38-cp38-manylinux1_x86_64.whl",
                "tensorflow-2.3.4-cp38-cp38-manylinux2010_x86_64.whl",
            ),
        ),
        engine="pip-tools",
    )


def test_pip_compile_runs_on_the_python_of_the_target_with_a_pip_that_it_works_with(
    fake_uv: Callable[[object], Path],
) -> None:
    folder = fake_uv(LISTED)

    _resolve()

    assert (folder / "command").read_text().split() == [
        *("tool", "run", "--quiet", "--isolated", "--python", str(PYTHON_38)),
        *("--from", "pip-tools==7.5.2", "--with", "pip==25.0.1"),
        *("pip-compile", "requirements.in", "--output-file", "pinned.txt", "--verbose", "--resolver=backtracking"),
        *("--allow-unsafe", "--strip-extras", "--annotate", "--annotation-style=line", "--no-header"),
        *("--no-emit-options", "--pip-args=--prefer-binary"),
    ]
    assert (folder / "asked").read_text() == "-c constraints.txt\ntensorflow==2.3.4\nsix<2\n"
    assert json.loads((folder / "names").read_text()) == {
        "absl-py": "0.15.0",
        "gast": "0.2.2",
        "setuptools": "68.0.0",
        "six": "1.17.0",
        "tensorflow": "2.3.4",
    }


def test_the_indexes_of_the_person_count_and_their_choices_of_releases_do_not(
    fake_uv: Callable[[object], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_uv(LISTED)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index/simple")
    monkeypatch.setenv("PIP_CONSTRAINT", "mine.txt")
    monkeypatch.setenv("PIP_PRE", "1")

    _resolve()

    environment = (folder / "environment").read_text().splitlines()
    assert "PIP_INDEX_URL=https://index/simple" in environment
    assert not [line for line in environment if line.startswith(("PIP_CONSTRAINT=", "PIP_PRE="))]


def test_wheels_for_newer_systems_alone_are_refused(fake_uv: Callable[[object], Path]) -> None:
    fake_uv(LISTED | {"tensorflow": _listed("tensorflow-2.3.4-cp38-cp38-manylinux_2_35_x86_64.whl")})

    with pytest.raises(ResolutionError) as caught:
        _resolve()

    assert str(caught.value) == (
        "tensorflow==2.3.4 on Python 3.8: no set of distributions satisfies it: "
        "the index lists no file of tensorflow 2.3.4 that serves every Linux x86_64"
    )


@pytest.mark.parametrize(
    ("python", "interpreter", "problem", "hint"),
    [
        pytest.param(
            "3.8",
            None,
            "pip-tools resolves on Python 3.8 alone, and none is at hand",
            "install Python 3.8, or take --engine uv",
            id="no interpreter",
        ),
        pytest.param(
            "3.6",
            Path("/pythons/3.6/bin/python"),
            "pip-tools does not resolve for Python 3.6",
            "take --engine uv",
            id="no pip-tools",
        ),
    ],
)
def test_a_python_that_pip_tools_cannot_run_on_is_refused(
    python: str, interpreter: Path | None, problem: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "platform_here", lambda: LINUX_X86_64)

    with pytest.raises(ResolutionError) as caught:
        _resolve(python, interpreter)

    assert (caught.value.explanation, caught.value.hint) == (problem, hint)


def test_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "platform_here", lambda: WINDOWS_X86_64)

    with pytest.raises(UsageError) as caught:
        _resolve()

    assert str(caught.value) == "pip-tools resolves for the machine that it runs on, which is not Linux x86_64"
    assert caught.value.hint == "take --engine uv, which resolves for any"


def test_it_is_asked_only_where_it_is_named() -> None:
    assert [resolver.name for resolver in resolvers_of()] == list(DEFAULT_ENGINES)
    assert [resolver.name for resolver in resolvers_of(["pip-tools"])] == ["pip-tools"]


# --- what went wrong -----------------------------------------------------------------------------------------

_NOT_FOUND = """\
Traceback (most recent call last):
  File "resolver.py", line 112, in resolve
    raise error from e
pip._internal.exceptions.DistributionNotFound: ResolutionImpossible: for help visit the documentation of pip
"""

# What pip-tools wrote to both streams, in the words of several of its releases, and what it amounts to.
_FAILURES = {
    "conflict": (
        "  Collecting idna==1.1 (from -r requirements.in (line 3))\n"
        "  \n"
        "  The conflict is caused by:\n"
        "      The user requested idna==1.1\n"
        "      requests 2.31.0 depends on idna<4 and >=2.5\n"
        "  \n"
        "  To fix this you could try to:\n"
        "  1. loosen the range of package versions you've specified\n\n"
        "  ERROR: Cannot install -r requirements.in (line 2) and idna==1.1 because these package versions have "
        "conflicting dependencies.\n" + _NOT_FOUND,
        ResolutionError(
            "it", "idna==1.1 (asked for) and idna<4,>=2.5 (required by requests 2.31.0) contradict each other"
        ),
    ),
    "conflict with a bound": (
        "  The conflict is caused by:\n"
        "      The user requested urllib3==2.0.7\n"
        "      The user requested (constraint) urllib3<2\n\n" + _NOT_FOUND,
        ResolutionError("it", "urllib3==2.0.7 (asked for) and urllib3<2 (a bound in force) contradict each other"),
    ),
    "conflict of many": (
        "  The conflict is caused by:\n"
        + "".join(f"      tool {patch} depends on six<1.{patch}\n" for patch in range(40))
        + "\n"
        + _NOT_FOUND,
        ResolutionError(
            "it",
            "six<1.0 (required by tool 0), six<1.1 (required by tool 1), six<1.2 (required by tool 2), "
            "six<1.3 (required by tool 3), six<1.4 (required by tool 4), six<1.5 (required by tool 5) and others "
            "contradict each other",
        ),
    ),
    "no release": (
        "  ERROR: Could not find a version that satisfies the requirement idna>=4 (from versions: 0.2, 3.20)\n"
        + _NOT_FOUND,
        ResolutionError("it", "the index has no release of idna>=4 for this Python"),
    ),
    "failed build, older pip": (
        "  Processing ./wheels/bad-1.0.tar.gz (from -r requirements.in (line 1))\n"
        "    Preparing metadata (setup.py): finished with status 'error'\n"
        "    error: subprocess-exited-with-error\n"
        "        no compiler here\n"
        "        [end of output]\n"
        "Traceback (most recent call last):\n"
        '  File "subprocess.py", line 209, in call_subprocess\n'
        "pip._internal.exceptions.MetadataGenerationFailed: metadata generation failed\n",
        ResolutionError("it", "bad-1.0.tar.gz does not build: no compiler here"),
    ),
    "failed build, newer pip": (
        "  Collecting bad==1.0 (from tensorflow)\n"
        "Traceback (most recent call last):\n"
        '  File "candidates.py", line 300, in _prepare\n'
        "pip._internal.exceptions.FailedToPrepareCandidate: Failed to build 'bad'\n",
        ResolutionError("it", "bad==1.0 does not build: Failed to build 'bad'"),
    ),
    "endless search": (
        "Traceback (most recent call last):\n"
        '  File "resolver.py", line 120, in resolve\n'
        "pip._internal.exceptions.ResolutionTooDeepError\n",
        ResolutionError("it", "pip gave up the search"),
    ),
    "index that does not answer": (
        "  WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError("
        "\"HTTPConnection(host='index.test', port=80): Failed to establish a new connection: [Errno 111] Connection "
        "refused\")': /simple/six/\n"
        "  ERROR: Could not find a version that satisfies the requirement six (from versions: none)\n" + _NOT_FOUND,
        NetworkError(
            "resolving with pip-tools",
            "HTTPConnection(host='index.test', port=80): Failed to establish a new connection: [Errno 111] Connection "
            "refused",
        ),
    ),
    "the same, older pip": (
        "  WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError("
        "'<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f63>: Failed to establish a new connection: "
        "[Errno 111] Connection refused')': /simple/six/\n" + _NOT_FOUND,
        NetworkError(
            "resolving with pip-tools", "Failed to establish a new connection: [Errno 111] Connection refused"
        ),
    ),
    "a certificate of nobody known": (
        "  WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'SSLError(SSLCertVerificationError("
        "1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)'))': "
        "/simple/six/\n" + _NOT_FOUND,
        CertificateError(
            "resolving with pip-tools",
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed "
            "certificate (_ssl.c:1006)')",
        ),
    ),
    "broken transfer": (
        "Traceback (most recent call last):\n"
        '  File "adapters.py", line 519, in send\n'
        "pip._vendor.requests.exceptions.ConnectionError: https://me:secret@index.test/six.whl: Connection reset\n",
        NetworkError("resolving with pip-tools", "https://index.test/six.whl: Connection reset"),
    ),
    "anything else": (
        "Traceback (most recent call last):\n"
        '  File "compile.py", line 1, in cli\n'
        "OSError: [Errno 28] No space left on device\n",
        UvError("resolving with pip-tools", "[Errno 28] No space left on device"),
    ),
}


@pytest.mark.parametrize(("output", "error"), _FAILURES.values(), ids=_FAILURES.keys())
def test_what_pip_tools_writes_becomes_one_line(output: str, error: EnvlockError) -> None:
    found = explain_failure(output, "it")

    assert (type(found), str(found)) == (type(error), str(error))


def test_what_uv_itself_complains_of_is_left_to_it() -> None:
    assert explain_failure("error: Failed to fetch: `https://index.test/pip-tools/`\n", "it") is None


@pytest.mark.online
def test_pip_tools_and_uv_agree_on_a_small_environment(own_interpreter: Interpreter) -> None:
    platform = platform_here()
    assert platform is not None
    pins = [
        [
            (pin.name, pin.version, pin.via, pin.is_source)
            for pin in resolver.resolve(
                [Requirement("six==1.17.0"), Requirement("idna<3.8")],
                constraints=[Requirement("idna!=3.7")],
                target=Target(python=own_interpreter.line, platform=platform),
                interpreter=own_interpreter.executable,
            ).pins
        ]
        for resolver in (PipToolsResolver(), UvResolver())
    ]

    assert pins[0] == pins[1] == [("idna", Version("3.6"), (), False), ("six", Version("1.17.0"), (), False)]
