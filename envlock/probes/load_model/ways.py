"""A way to open an artifact: lines of Python, which are told as they were run."""

from findings import OWN_LINES


class Way(object):
    """Lines that open an artifact, and what makes the outcome callable.

    *lines* takes the names that the lines know, ``path`` and ``custom_objects`` and those that were assigned since,
    and yields one line after the other, each run before the next is asked for. *wrap* takes the names in the end.
    """

    def __init__(self, how, imports, lines, wrap):
        self.how = how
        """The expression that does the work, by which the way is told from others."""
        self.imports = imports
        self.lines = []
        """Those that were run, without the imports."""
        self.left_over = []
        """What the artifact holds and the model has no place for, a phrase each."""
        self._next_lines = lines
        self._wrap = wrap

    def open(self, path, custom_objects):
        self.lines = []
        names = {"path": path, "custom_objects": custom_objects}
        for line in self.imports:
            run(line, names)
        for line in self._next_lines(names):
            run(line, names)
            self.lines.append(line)
        return self._wrap(names)


def assignment(how, imports, wrap, first_lines=()):
    """What *how* gives is the model; *first_lines* come before it."""
    lines = list(first_lines) + ["model = " + how]
    return Way(how, imports, lambda names: lines, lambda names: wrap(names["model"]))


def run(line, names):
    exec(compile(line, OWN_LINES, "exec"), names)
