from setuptools import find_packages, setup

setup(
    name="digits",
    version="0.3.1",
    packages=find_packages(),
    python_requires=">=3.5",
    install_requires=["Keras==2.2.4", "tensorflow==1.12.0", "numpy>=1.14", "h5py"],
    extras_require={"gpu": ["tensorflow-gpu==1.12.0"], "plots": ["matplotlib"]},
    classifiers=["Programming Language :: Python :: 3.5", "Programming Language :: Python :: 3.6"],
)
