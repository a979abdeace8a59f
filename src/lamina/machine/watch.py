"""Whether one thread less is faster: it is, while another program keeps a core busy.

A thread whose core is taken away for some milliseconds keeps all others waiting at the next
barrier. Then the team is slower than the same team without that thread.
"""

from __future__ import annotations

LOOK = 0.01  # seconds of running that give a mean
KEEP = 0.1  # seconds that the faster one is used at first, before the other is looked at again
SHARE = 10  # and at least so many times as long as the look took
KEEP_LONGEST = {0: 10.0, 1: 1.0}  # with all threads; with one less
ENOUGH = 20  # looks with all threads in which nobody slept, and the watch ends


class Watch:
    """The times of one function, with all threads and with one less.

    Attributes:
        fewer: how many threads less the next run shall have, 0 or 1.
    """

    def __init__(self) -> None:
        self.fewer = 0
        self._means = [0.0, 0.0]
        self._looking = 2  # looks to come before the choice; 0 while the choice is used
        self._keep, self._chosen = KEEP, 0
        self._calm, self._looked = 0, 0.0
        self._begin()

    def _begin(self) -> None:
        self._time, self._runs, self._slept = 0.0, 0, False

    def ended(self, seconds: float, slept: bool) -> bool:
        """Note a run; whether nothing is to be watched any more."""
        self._time, self._runs = self._time + seconds, self._runs + 1
        self._slept = self._slept or slept
        if self._looking and self._time >= LOOK:
            self._means[self.fewer] = self._time / self._runs
            self._looked += self._time
            self._looking -= 1
            self._turn()
        elif not self._looking and self._time >= self._keep:
            self._note_calm()
            self._means[self.fewer] = self._time / self._runs
            self._looking, self.fewer = 1, 1 - self._chosen
            self._begin()
        return self._calm >= ENOUGH

    def _turn(self) -> None:
        """The other one's look, or the choice."""
        self._note_calm()
        if self._looking:
            self.fewer = 1 - self.fewer
        else:
            best = int(self._means[1] < self._means[0])
            longer = min(2 * self._keep, KEEP_LONGEST[best])
            self._keep = max(longer if best == self._chosen else KEEP, SHARE * self._looked)
            self.fewer = self._chosen = best
            self._looked = 0.0
        self._begin()

    def _note_calm(self) -> None:
        if self.fewer == 0:
            self._calm = 0 if self._slept else self._calm + 1
