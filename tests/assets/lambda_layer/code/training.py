"""What the functions of ``looked_up.h5`` and ``looked_up.keras`` name, as the script that trained the model had it."""

FACTOR = 3.0


def double(tensor):
    """Twice the *tensor*."""
    return tensor * 2.0
