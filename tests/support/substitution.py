"""A triangular system solved by hand, with every multiplication, addition and division counted."""


class Tally:
    """Arithmetic that counts itself."""

    def __init__(self):
        self.flops = 0

    def minus_product(self, total, a, b):
        self.flops += 2
        return total - a * b

    def over(self, a, b):
        self.flops += 1
        return a / b


def substituted(matrix, right, *, upper=False, unit=False):
    """Solve A X = B, lists of rows, and return X and the FLOPs that it took."""
    tally, n = Tally(), len(matrix)
    solution = [list(row) for row in right]
    for column in range(len(right[0])):
        for i in reversed(range(n)) if upper else range(n):
            value = right[i][column]
            for j in range(i + 1, n) if upper else range(i):
                value = tally.minus_product(value, matrix[i][j], solution[j][column])
            solution[i][column] = value if unit else tally.over(value, matrix[i][i])
    return solution, tally.flops
