"""Pages, and what they show of a catalogue."""

import html

from shop.site import Block


class Page:
    """A page with a title, made of blocks."""

    def __init__(self, title, blocks=()):
        self.title = title
        self.blocks = list(blocks)

    def add_products(self, catalog, text):
        for product in catalog.search(text):
            self.blocks.append(Block(product.name, f"{product.price} each"))

    def __str__(self):
        body = "\n".join(str(each) for each in self.blocks)
        return f"<h1>{html.escape(self.title)}</h1>\n{body}"
