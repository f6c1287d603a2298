"""Logistic regression by Newton's method."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_RIDGE = 0.001  # keeps weights finite where a feature separates the two kinds
_STEPS = 50  # it settles in about ten


def fit(x: "Floats", y: "Floats", caution: float = 1.0, counts: "Floats | None" = None) -> "Floats":
    """The bias and the weights of the columns of `x`, [rows, columns], that tell the rows with `y` 1 from those with 0.

    Both kinds weigh alike, whatever their number; an error on the zeros weighs `caution` times. `counts` has how much
    each row counts, if not all count 1.
    """
    import numpy as np

    x = np.c_[np.ones(len(x)), x]
    counts = np.ones(len(y)) if counts is None else counts
    ones, zeros = float(counts @ y), float(counts @ (1 - y))
    weight = counts * np.where(y == 1, 0.5 / max(ones, 1e-9), caution * 0.5 / max(zeros, 1e-9)) * len(y)
    ridge = _RIDGE * len(y) * np.diag([1e-9] + [1.0] * (x.shape[1] - 1))
    theta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(x @ theta)))
        gradient = x.T @ (weight * (y - p)) - ridge @ theta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        theta = theta + np.linalg.solve(hessian, gradient)
    return np.asarray(theta)
