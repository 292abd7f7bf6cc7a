"""Containers: bytes to plain values, every length and depth bounded before use."""
