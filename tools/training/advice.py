"""What the losses of a training say about the next one. Pure."""

from collections.abc import Sequence
from statistics import fmean

Points = Sequence[tuple[int, float]]
_CLEAR = 0.03  # share of a loss that counts as a change; losses of small batches wobble by about a hundredth
_PART = 0.1  # share of the steps whose mean stands for a moment


def advise(losses: Points, looks: Points) -> str:
    """One sentence where the numbers call for another setting, else nothing.

    `losses` are (step, training loss) and `looks` (step, development loss), both in nats a token.
    """
    if len(looks) > 2:
        best_step, best = min(looks, key=lambda point: point[1])
        last = looks[-1][1]
        if last > best * (1 + _CLEAR) and best_step < looks[-1][0]:
            return (
                f"The development loss was least at step {best_step} ({best:.3f}) and rose to {last:.3f}: stop there "
                "(early_stopping=2), lower the learning rate, or bring more data."
            )
    count = max(1, round(len(losses) * _PART))
    if len(losses) >= 10 * count > 0:
        before = fmean(loss for _, loss in losses[-3 * count : -2 * count])
        end = fmean(loss for _, loss in losses[-count:])
        if end < before * (1 - _CLEAR) and end > 0.05:
            return f"The loss was still falling at the end ({before:.3f} to {end:.3f}): train longer."
    return ""
