"""Pages of the shop's site."""

from shop.site.blocks import Block
from shop.site.pages import Page

__all__ = ["Block", "Page"]
