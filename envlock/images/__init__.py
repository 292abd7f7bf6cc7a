"""Container images: a folder from which ``docker build`` makes one in which the model loads, or is served."""
