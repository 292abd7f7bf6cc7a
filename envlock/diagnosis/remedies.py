"""A change -> the commands that make it in the environment at hand.

Commands are made of the paths that the person named and of facts of the database, never of text from an artifact or a
traceback.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterable

from packaging.requirements import Requirement

from envlock.diagnosis.causes import Remedy
from envlock.diagnosis.observations import Observations
from envlock.knowledge.failures import Fix, helps
from envlock.knowledge.families import members_of
from envlock.knowledge.releases import line_of

_ARGUMENT_OF_WEIGHTS = "by_name"
"""What the loader of weights takes, and that of models does not."""


class Workbench:
    """Writes commands for one artifact and one environment; placeholders stand for what the person did not name."""

    def __init__(self, observed: Observations) -> None:
        self._observed = observed

    def install(self, requirements: Iterable[Requirement], message: str) -> Remedy:
        """Install *requirements* into the environment."""
        wanted = tuple(requirements)
        words = " ".join(shlex.quote(str(requirement)) for requirement in wanted)
        return Remedy(
            kind="constraint", message=message, commands=(f"{self._installer()} {words}",), requirements=wanted
        )

    def install_again(self, requirement: Requirement, message: str) -> Remedy:
        """Install what is on record as installed, and alone."""
        command = f"{self._installer()} --force-reinstall --no-deps {shlex.quote(str(requirement))}"
        return Remedy(kind="constraint", message=message, commands=(command,), requirements=(requirement,))

    def make_environment(self, *options: str) -> Remedy:
        """Make another environment, in which the artifact loads."""
        message = "make an environment in which the model loads, and leave this one as it is"
        return Remedy(kind="environment", message=message, commands=(f"envlock from-model {self._words(*options)}",))

    def run(self) -> Remedy:
        """See the error that the artifact gives."""
        path, python = self._observed.path, self._observed.environment
        words = shlex.join([str(path) if path else "PATH", "--python", str(python.executable) if python else "PYTHON"])
        message = "have the model loaded there, isolated, and its error read"
        return Remedy(kind="reproduction", message=message, commands=(f"envlock diagnose {words} --run",))

    def call(self, arguments: str) -> str:
        """The expression that loads the artifact with *arguments*, by what the environment loads with."""
        artifact = self._observed.artifact
        if arguments.startswith(_ARGUMENT_OF_WEIGHTS):
            return f"model.load_weights(path, {arguments})"
        loaders = [verdict.loader for verdict in self._observed.verdicts if verdict.loader.module is not None]
        if artifact is None or not loaders:
            return f"load_model(path, {arguments})"
        return loaders[0].expression_for(artifact.provenance.format, arguments=f", {arguments}")

    def apply(self, fix: Fix) -> Remedy | None:
        """What carries out a *fix* of the failure table; ``None`` where it changes or helps nothing there."""
        environment = self._observed.environment
        if environment is not None and not helps(fix, environment.distributions, environment.python_line):
            return None
        match fix.kind:
            case "constraint":
                return self._constrain(fix)
            case "environment-variable":
                name, _, value = fix.value.partition("=")
                command = f"export {name}={shlex.quote(value)}"
                return Remedy(kind=fix.kind, message=fix.message, commands=(command,), variables={name: value})
            case "load-argument":
                return Remedy(kind=fix.kind, message=fix.message, commands=(self.call(fix.value),))
            case "environment":
                return Remedy(kind=fix.kind, message=fix.message, commands=self.make_environment().commands)
            case "code":
                commands = (fix.value,) if _is_code(fix.value) else ()
                return Remedy(kind=fix.kind, message=fix.message, commands=commands)
            case "command":
                return Remedy(kind="file", message=fix.message, commands=(fix.value,))
            case "file" | "system":
                return Remedy(kind=fix.kind, message=fix.message)
            case _:
                raise ValueError(fix.kind)

    def _constrain(self, fix: Fix) -> Remedy | None:
        environment = self._observed.environment
        tensorflow = environment.tensorflow if environment is not None else None
        if "{line}" in fix.value and tensorflow is None:
            return Remedy(kind="constraint", message=fix.message)
        requirement = Requirement(fix.value.format(line=line_of(tensorflow[1]) if tensorflow else ""))
        if tensorflow is not None and requirement.name in members_of("tensorflow"):
            # Another member of the family would overwrite the files of the one that is there.
            requirement.name = tensorflow[0]
        installed = environment.distributions.get(requirement.name) if environment is not None else None
        if installed is not None and requirement.specifier.contains(installed, prereleases=True):
            return None
        return self.install([requirement], fix.message)

    def _installer(self) -> str:
        environment = self._observed.environment
        if environment is None:
            return "python -m pip install"
        python = shlex.quote(str(environment.executable))
        if "pip" in environment.distributions:
            return f"{python} -m pip install"
        return f"uv pip install --python {python}"

    def _words(self, *options: str) -> str:
        path = self._observed.path
        return shlex.join([str(path) if path is not None else "PATH", *options])


def _is_code(text: str) -> bool:
    """Whether *text* can be pasted into a program, rather than being words about one."""
    try:
        nodes = ast.walk(ast.parse(text))
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Import | ast.Call) for node in nodes)
