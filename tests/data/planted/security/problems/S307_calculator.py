def calculate(form):
    return eval(form["expression"])
