import jinja2


def render(template, values):
    return jinja2.Environment().from_string(template).render(values)
