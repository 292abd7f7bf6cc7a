"""The version of envlock, apart from all that the library offers: whoever records it imports nothing else."""

__version__ = "0.1.0"
