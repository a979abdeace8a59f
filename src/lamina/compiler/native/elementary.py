def exp(x):
    return x._call("exp")


def exp2(x):
    return x._call("exp2")


def expm1(x):
    return exp(x) - 1.0


def log(x):
    return x._call("log")


def log1p(x):
    return log(x + 1.0)


def log2(x):
    return x._call("log2")


def tanh(x):
    e = exp(x * 2.0)
    return (e - 1.0) / (e + 1.0)


def sin(x):
    return x._call("sin")


def cos(x):
    return x._call("cos")


def power(x, y):
    return x._call("pow", y)
