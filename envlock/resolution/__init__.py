"""Resolvers: what is asked for to every distribution with its hashes."""

from envlock.resolution.interface import Pin, Resolution, Resolver
from envlock.resolution.offline import OfflineResolver
from envlock.resolution.uv import UvResolver

RESOLVERS: tuple[Resolver, ...] = (UvResolver(), OfflineResolver())
"""Every resolver; the first is the default."""

__all__ = ["RESOLVERS", "Pin", "Resolution", "Resolver"]
