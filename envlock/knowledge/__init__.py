"""What is known about releases: typed views of the tables in ``data/``, opened only when asked."""
