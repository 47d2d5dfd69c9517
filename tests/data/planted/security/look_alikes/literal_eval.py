from ast import literal_eval

import pandas


def parse(text):
    return literal_eval(text)


def totals(frame: pandas.DataFrame):
    return frame.eval("a + b")
