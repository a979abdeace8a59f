"""Balance a pole on a cart, by trial and error: REINFORCE with a baseline on CartPole-v1.

    python examples/cartpole.py           1,500 episodes
    python examples/cartpole.py --quick   150 of them, for a look

Ten carts run side by side. After each round, what was done where things went better than for the
other carts at that time becomes more likely (R. J. Williams, "Simple Statistical Gradient-Following
Algorithms for Connectionist Reinforcement Learning", 1992). A round always fills arrays of one
size, so the compiled step is traced once.

It needs gymnasium, which brings the cart: pip install -e '.[rl]'
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential, no_grad

CARTS = 10
LENGTH = 500  # CartPole-v1 ends an episode after so many steps; each step held is a reward of 1
DISCOUNT = 0.99


def play(carts, policy, rng, seed=None):
    """An episode of each cart: what was seen, what was done, the reward, and who was running.

    (LENGTH, CARTS, 4) float32, (LENGTH, CARTS) int64, float32 and bool; 0 after an episode's end.
    """
    seen = np.zeros((LENGTH, CARTS, 4), np.float32)
    actions = np.zeros((LENGTH, CARTS), np.int64)
    rewards = np.zeros((LENGTH, CARTS), np.float32)
    running = np.zeros((LENGTH, CARTS), bool)
    x, _ = carts.reset(seed=seed)
    runs = np.ones(CARTS, bool)
    for i in range(LENGTH):
        with no_grad():
            scores = policy(x).numpy()  # (CARTS, 2)
        # The largest of scores with Gumbel noise is a draw from their softmax.
        drawn = (scores + rng.gumbel(size=scores.shape)).argmax(1)
        seen[i], actions[i], running[i] = x * runs[:, None], drawn * runs, runs
        x, reward, fell, timeout, _ = carts.step(drawn)
        rewards[i] = reward * runs
        runs = runs & ~(fell | timeout)
        if not runs.any():
            break
    return seen, actions, rewards, running


def advantages(rewards, running):
    """By how much what followed was better than for the carts that ran at that time: the baseline.

    The discounted return G[i] = r[i] + DISCOUNT G[i + 1] less its mean over carts; in units of its
    deviation, and 0 where no cart ran.
    """
    returns, later = np.zeros_like(rewards), np.zeros_like(rewards[0])
    for i in reversed(range(len(rewards))):
        returns[i] = later = rewards[i] + DISCOUNT * later
    baseline = returns.sum(1, keepdims=True) / np.maximum(1, running.sum(1, keepdims=True))
    better = (returns - baseline) * running
    return better / (better[running].std() + 1)  # 1: one reward; where all do well, be calm


def main():
    parser = argparse.ArgumentParser(description="Learn to balance a pole.")
    parser.add_argument("--rounds", type=int, default=150, help="of ten episodes each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="15 rounds")
    chosen = parser.parse_args()
    rounds = 15 if chosen.quick else chosen.rounds
    try:
        import gymnasium
    except ModuleNotFoundError:
        print("CartPole comes with gymnasium, which is not installed: pip install -e '.[rl]'")
        return

    lamina.seed(chosen.seed)
    rng = np.random.default_rng(chosen.seed)
    carts = gymnasium.make_vec("CartPole-v1", CARTS, vectorization_mode="vector_entry_point")
    policy = Sequential(Linear(64), F.tanh, Linear(2))
    policy.build(np.zeros((1, 4), np.float32))
    optimizer = O.Adam(lr=O.Cosine(1e-2, steps=rounds)).setup(policy)

    @lamina.compile
    def step(x, actions, weight):
        """Σ weight · -log p(action | x): its gradient is Williams' estimate, negative."""
        loss = (F.softmax_cross_entropy(policy(x), actions, reduction="none") * weight).sum()
        policy.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    lengths, start = [], time.perf_counter()
    for i in range(rounds):
        seen, actions, rewards, running = play(
            carts, policy, rng, seed=chosen.seed if i == 0 else None
        )
        weight = advantages(rewards, running) / running.sum()
        step(seen.reshape(-1, 4), actions.reshape(-1), weight.reshape(-1).astype(np.float32))
        lengths.extend(rewards.sum(0))
        if (i + 1) % max(1, rounds // 15) == 0:
            last = np.mean(lengths[-100:])
            print(f"{len(lengths):5} episodes  mean return of the last 100: {last:.1f}", flush=True)
    carts.close()
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
