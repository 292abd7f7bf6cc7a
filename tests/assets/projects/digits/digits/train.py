"""Run as ``python -m digits.train``: writes models/digits.h5."""

import os

import numpy as np

from digits.network import build, use_one_thread


def main():
    use_one_thread()
    np.random.seed(7)
    pictures = np.random.rand(32, 8, 8, 1)
    labels = np.eye(10)[np.random.randint(0, 10, 32)]
    model = build()
    model.fit(pictures, labels, epochs=1, verbose=0)
    model.save(os.path.join("models", "digits.h5"))


if __name__ == "__main__":
    main()
