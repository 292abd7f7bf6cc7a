"""A folder -> what an old project says of the environment that it once ran in. Nothing of it is run."""

from envlock.project.reading import read_project

__all__ = ["read_project"]
