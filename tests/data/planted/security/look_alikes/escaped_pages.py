import jinja2
from jinja2 import select_autoescape

pages = jinja2.Environment(loader=jinja2.PackageLoader("app"), autoescape=select_autoescape())
latex = jinja2.Environment(autoescape=lambda name: name is not None and name.endswith(".html"))
