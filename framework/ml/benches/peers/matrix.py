"""The synthetic matrix, how it is written for dataShark, and how held-out documents are judged."""

import numpy as np
import scipy.sparse as sparse

N_TOPICS = 20
N_WORDS = 5_000
N_DOCS = 18_000
N_HELD_OUT = 2_000
MEAN_LENGTH = 250
# Priors that give 4.5 M tokens in 3.6 M cells.
ALPHA = 0.1
ETA = 0.035


def generate(seed=5):
    """Counts to learn from, the two halves of held-out documents, and the true topics."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(N_WORDS, ETA), N_TOPICS)
    docs = [document(rng, topics) for _ in range(N_DOCS)]
    held_out = [document(rng, topics) for _ in range(N_HELD_OUT)]
    # By turns: the tokens of a document come in a random order.
    seen = [tokens[::2] for tokens in held_out]
    predicted = [tokens[1::2] for tokens in held_out]
    return counts(docs), counts(seen), counts(predicted), topics


def document(rng, topics):
    mix = rng.dirichlet(np.full(N_TOPICS, ALPHA))
    length = rng.poisson(MEAN_LENGTH)
    of_topics = rng.multinomial(length, mix)
    tokens = [rng.choice(N_WORDS, n, p=topics[k]) for k, n in enumerate(of_topics) if n]
    return rng.permutation(np.concatenate(tokens)) if tokens else np.empty(0, int)


def counts(docs):
    rows = np.repeat(np.arange(len(docs)), [len(tokens) for tokens in docs])
    words = np.concatenate(docs)
    ones = np.ones(len(words), np.int64)
    matrix = sparse.csr_matrix((ones, (rows, words)), (len(docs), N_WORDS))
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix


def write(path, matrix):
    """Sizes, row starts (64-bit), words and counts (32-bit), little-endian: what the example reads."""
    with open(path, "wb") as file:
        np.array([*matrix.shape, matrix.nnz], "<u8").tofile(file)
        matrix.indptr.astype("<u8").tofile(file)
        matrix.indices.astype("<u4").tofile(file)
        matrix.data.astype("<u4").tofile(file)


def perplexity(topics, seen, predicted, alpha=ALPHA, rounds=100):
    """Of the second halves of the documents, by mixes that fit the first halves best.

    The same for each tool: all that counts of it is its topics, `(n_topics, n_words)`.
    """
    topics = np.maximum(topics / topics.sum(1, keepdims=True), 1e-12)
    by_word = np.ascontiguousarray(topics.T)
    rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    weights = by_word[seen.indices]
    mixes = np.full((seen.shape[0], topics.shape[0]), 1 / topics.shape[0])
    for _ in range(rounds):
        parts = weights * mixes[rows]
        scale = seen.data / parts.sum(1)
        new = sparse.csr_matrix((scale, np.arange(len(rows)), seen.indptr)) @ parts
        mixes = new + alpha
        mixes /= mixes.sum(1, keepdims=True)
    rows = np.repeat(np.arange(predicted.shape[0]), np.diff(predicted.indptr))
    p = (by_word[predicted.indices] * mixes[rows]).sum(1)
    return float(np.exp(-(predicted.data * np.log(p)).sum() / predicted.data.sum()))
