"""What pages are made of."""

import html


def _tag(name, text):
    return f"<{name}>{html.escape(text)}</{name}>"


class Block:
    """A part of a page, with a headline."""

    def __init__(self, headline, text):
        self.headline = headline
        self.text = text

    def __str__(self):
        return "\n".join([_tag("h2", self.headline), _tag("p", self.text)])
