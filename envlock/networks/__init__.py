"""Weights without a model -> which published network they are of, and which model of a release takes them."""
