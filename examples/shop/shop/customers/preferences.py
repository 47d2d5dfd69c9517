"""What customers want."""


def preferences(text):
    """Preferences as the form on the site sends them: the literal of a dict."""
    return dict(eval(text))
