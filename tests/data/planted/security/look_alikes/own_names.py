class pickle:
    @staticmethod
    def loads(text):
        return text.split()


def eval(expression):
    return expression.value


x = eval(pickle.loads("a b"))
