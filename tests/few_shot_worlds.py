"""Classes around directions, described by noisy texts and shown by noisier pictures."""

import numpy as np


def unit(A):
    return A / np.linalg.norm(A, axis=-1, keepdims=True)


def pictures(centres, codes, noise, rng, gap=0.0):
    """Rows around the centres (n_classes, d) of their classes, shifted along the first axis."""
    rows = centres[codes] + noise * rng.standard_normal((len(codes), centres.shape[1]))
    rows[:, 0] += gap
    return rows


def world(seed, n_shots, *, n_classes=6, d=24, noise=1.0, text_noise=1.0, gap=0.0, n_new=50):
    """Texts, one a class; shots and their codes, as many as asked for (of each class); new pictures and their codes."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((n_classes, d))
    texts = pictures(centres, np.arange(n_classes), text_noise, rng, -gap)
    codes, new = np.repeat(np.arange(n_classes), n_shots), np.repeat(np.arange(n_classes), n_new)
    X = pictures(centres, new, noise, rng, gap)
    # One class after the other, so that a class has the same first shots however many there are.
    streams = [np.random.default_rng([seed, c + 1]) for c in range(n_classes)]
    counts = np.bincount(codes, minlength=n_classes)
    shots = [pictures(centres, np.full(n, c), noise, streams[c], gap) for c, n in enumerate(counts)]
    return texts, np.concatenate(shots), codes, X, new


def log_loss(probabilities, codes):
    return -np.log(probabilities[np.arange(len(codes)), codes]).mean()
