"""Powell's dogleg: a trust-region Gauss-Newton method for sums of squares.

Source: Powell 1970; Lourakis and Argyros 2005, "Is Levenberg-Marquardt the most efficient
optimization algorithm for implementing bundle adjustment?", section 3. The constants are those
that the reference evaluation of NoW uses, so the two walk the same path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from focsbench.types import FloatArray


class SquaredResiduals(Protocol):
    """The residuals r of a least-squares problem at one parameter vector."""

    @property
    def sum_of_squares(self) -> float:
        """|r|^2; infinite where the parameters are not admissible."""
        ...

    def normal_equations(self) -> tuple[FloatArray, FloatArray]:
        """Return (J'J, -J'r) for the Jacobian J of the residuals."""
        ...


R = TypeVar("R", bound=SquaredResiduals)


@dataclass(frozen=True)
class DoglegRules:
    """Constants of the method.

    initial_radius: first trust radius, in the raw (mixed) units of the parameters.
    relative_drop: stop after an accepted step that lowers the sum of squares by less than this.
    max_steps: at most so many accepted steps.
    """

    initial_radius: float = 0.1
    relative_drop: float = 1e-4
    max_steps: int = 200


_TINY = 1e-15  # below this, gradients, steps and radii count as zero


def dogleg_step(normal: FloatArray, descent: FloatArray, radius: float) -> FloatArray:
    """Return the step of the dogleg path at a trust radius.

    The path runs from zero along the steepest descent to its best point (Cauchy), then straight
    to the Gauss-Newton step.

    Args:
        normal: (P, P) J'J.
        descent: (P,) -J'r, not zero.
        radius: > 0.
    """
    cauchy = descent * (descent @ descent) / (descent @ normal @ descent)
    cauchy_length = np.linalg.norm(cauchy)
    if cauchy_length >= radius:
        return cauchy * (radius / cauchy_length)
    # Least squares instead of a plain solve: a direction that no residual feels stays untouched.
    newton = np.linalg.lstsq(normal, descent, rcond=None)[0]
    if np.linalg.norm(newton) <= radius:
        return newton
    leg = newton - cauchy
    a, b, c = leg @ leg, cauchy @ leg, cauchy_length**2 - radius**2
    return cauchy + leg * ((-b + np.sqrt(b * b - a * c)) / a)


def minimise(
    evaluate: Callable[[FloatArray], R], start: FloatArray, rules: DoglegRules
) -> tuple[FloatArray, R, int]:
    """Minimise a sum of squares.

    Args:
        evaluate: residuals at a (P,) parameter vector.
        start: (P,) first parameters.
        rules: constants.

    Returns:
        The parameters, the residuals there, and the number of accepted steps.
    """
    theta, current, radius = start, evaluate(start), rules.initial_radius
    for accepted in range(rules.max_steps):
        normal, descent = current.normal_equations()
        if np.abs(descent).max() < _TINY:
            return theta, current, accepted
        while True:
            step = dogleg_step(normal, descent, radius)
            length = float(np.linalg.norm(step))
            if min(length, radius) <= _TINY * np.linalg.norm(theta):
                return theta, current, accepted
            trial = evaluate(theta + step)
            drop = current.sum_of_squares - trial.sum_of_squares
            ratio = drop / (2 * descent @ step - step @ normal @ step)
            if ratio > 0.9:
                radius = max(radius, 2.5 * length)
            elif ratio < 0.05:
                radius /= 4
            if drop > 0:
                break
        relative_drop = drop / current.sum_of_squares
        theta, current = theta + step, trial
        if relative_drop < rules.relative_drop:
            return theta, current, accepted + 1
    return theta, current, rules.max_steps
