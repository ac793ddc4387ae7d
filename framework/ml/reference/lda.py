#!/usr/bin/env python3
"""Held-out log-likelihood of `em` and `online`, of scikit-learn and of Spark MLlib, on one matrix.

    python3 -m venv target/lda-peers
    target/lda-peers/bin/pip install -r framework/ml/benches/peers/requirements.txt
    cargo build --release -p datashark-ml --example lda
    target/lda-peers/bin/python framework/ml/reference/lda.py target/release/examples/lda \
        > framework/ml/reference/lda.md

scikit-learn's variational Bayes begins at the very weights that `online` begins at, which the example
writes when it is to make no iteration, and makes as many mini-batches of as many documents with the
same rates. MLlib takes no start: it makes its own of the seed, so that the means of several seeds are compared. `em`
is compared with MLlib's `em`, and with the same formula in NumPy from its own start, which shows that
the weights come out the same.

What is judged are the topics, by the same code for all (benches/peers/matrix.py): the mean
log-likelihood of a token of the second halves of documents that were held out.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import sklearn
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.decomposition._lda import _dirichlet_expectation_2d

sys.path.insert(0, str(Path(__file__).parent.parent / "benches" / "peers"))
import matrix  # noqa: E402

matrix.N_TOPICS, matrix.N_WORDS, matrix.N_DOCS, matrix.N_HELD_OUT = 10, 1_000, 2_000, 500
matrix.MEAN_LENGTH = 150
SEEDS = [0, 1, 2, 3, 4]
EM_ITERATIONS = 20
ONLINE_ITERATIONS = 200
EM_PRIORS = (1.02, 1.001)
ONLINE_PRIORS = (1 / matrix.N_TOPICS, 1 / matrix.N_TOPICS)
BATCH_SHARE = 0.05 + 1 / matrix.N_DOCS


class Ours:
    def __init__(self, binary, counts):
        self.binary, self.folder, self.n_words = binary, tempfile.mkdtemp(), counts.shape[1]
        matrix.write(os.path.join(self.folder, "matrix"), counts)

    def topics(self, algorithm, iterations, priors, seed):
        out = os.path.join(self.folder, "topics")
        settings = dict(algorithm=algorithm, topics=matrix.N_TOPICS, iterations=iterations)
        settings |= dict(alpha=priors[0], eta=priors[1], seed=seed, threads=2)
        settings = [f"{key}={value}" for key, value in settings.items()]
        command = [self.binary, os.path.join(self.folder, "matrix"), out, *settings]
        json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return np.fromfile(out, "<f8").reshape(self.n_words, -1).T


class FromStart(LatentDirichletAllocation):
    """scikit-learn's, from given weights."""

    def _init_latent_vars(self, n_features, dtype=np.float64):
        super()._init_latent_vars(n_features, dtype)
        self.components_ = self.start.astype(dtype)
        self.exp_dirichlet_component_ = np.exp(_dirichlet_expectation_2d(self.components_))


def scikit_learn(counts, start, seed):
    batch_size = int(np.ceil(BATCH_SHARE * counts.shape[0]))
    passes = round(ONLINE_ITERATIONS * batch_size / counts.shape[0])
    model = FromStart(
        matrix.N_TOPICS,
        doc_topic_prior=ONLINE_PRIORS[0],
        topic_word_prior=ONLINE_PRIORS[1],
        learning_method="online",
        learning_offset=1024.0,
        learning_decay=0.51,
        batch_size=batch_size,
        max_iter=passes,
        random_state=seed,
    )
    model.start = start
    # In another order, as mini-batches are drawn.
    return model.fit(counts[np.random.default_rng(seed).permutation(counts.shape[0])]).components_


def spark(frame, optimizer, iterations, priors, seed):
    from pyspark.ml.clustering import LDA

    lda = LDA(k=matrix.N_TOPICS, maxIter=iterations, seed=seed, optimizer=optimizer)
    lda = lda.setDocConcentration([priors[0]]).setTopicConcentration(priors[1])
    if optimizer == "online":
        lda = lda.setSubsamplingRate(BATCH_SHARE).setOptimizeDocConcentration(True)
    return lda.fit(frame).topicsMatrix().toArray().T


def spark_frame(counts):
    from pyspark.ml.linalg import Vectors
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = session.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    rows = [
        (doc, Vectors.sparse(counts.shape[1], counts.indices[a:b], counts.data[a:b]))
        for doc, (a, b) in enumerate(zip(counts.indptr, counts.indptr[1:]))
    ]
    frame = session.createDataFrame(rows, ["id", "features"]).repartition(2).cache()
    frame.count()
    return frame


MASK = (1 << 64) - 1


def mixed(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def em_start(seed, doc, word):
    """The weights that `em` draws for a cell: its draws are a formula of seed, document and word."""
    golden = 0x9E3779B97F4A7C15
    state = seed ^ (1 << 56)
    state = mixed((state + golden) & MASK)
    state = mixed(((state ^ doc) + golden) & MASK)
    other = ((word << 32) | (word >> 32)) & MASK
    state = mixed(((state ^ other) + golden) & MASK)
    draws = []
    for _ in range(matrix.N_TOPICS):
        state = (state + golden) & MASK
        draws.append((mixed(state) >> 11) / (1 << 53))
    return draws


def plain_em(counts, iterations, priors, seed):
    """The formula, cell by cell, in the words of its paper."""
    alpha, eta = priors[0] - 1, priors[1] - 1
    docs = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    words = counts.indices
    gamma = np.array([em_start(seed, int(doc), int(word)) for doc, word in zip(docs, words)])
    gamma *= (counts.data / gamma.sum(1))[:, None]
    for iteration in range(iterations + 1):
        of_docs = np.zeros((counts.shape[0], matrix.N_TOPICS))
        of_words = np.zeros((counts.shape[1], matrix.N_TOPICS))
        np.add.at(of_docs, docs, gamma)
        np.add.at(of_words, words, gamma)
        if iteration == iterations:
            return of_words.T
        weights = (of_words + eta) / (of_words.sum(0) + counts.shape[1] * eta)
        gamma = weights[words] * (of_docs + alpha)[docs]
        gamma *= (counts.data / gamma.sum(1))[:, None]


def main():
    counts, seen, predicted, truth = matrix.generate()
    ours, frame = Ours(sys.argv[1], counts), spark_frame(counts)
    import pyspark

    def likelihood(topics):
        return -np.log(matrix.perplexity(topics, seen, predicted))

    print("# em and online beside scikit-learn and Spark MLlib\n")
    print(f"Made by `lda.py` with scikit-learn {sklearn.__version__}, pyspark {pyspark.__version__}, ", end="")
    print(f"numpy {np.__version__}: {counts.shape[0]:,} documents, {counts.shape[1]:,} words, ", end="")
    print(f"{counts.nnz:,} cells, {counts.sum():,} tokens, {matrix.N_TOPICS} topics. ", end="")
    print("Mean held-out log-likelihood of a token; the peer's less ours, by the peer's, ", end="")
    print("above 0 where ours is better.\n")
    print(f"The true topics have {likelihood(truth):.4f}.\n")
    print("| ours | peer | seed | ours | peer | better by |")
    print("|---|---|---|---|---|---|", flush=True)

    def row(by, name, peer, seed, our_topics, peer_topics):
        one, other = likelihood(our_topics), likelihood(peer_topics)
        better = (other - one) / other
        print(f"| {name} | {peer} | {seed} | {one:.4f} | {other:.4f} | {better:+.2%} |", flush=True)
        by.setdefault((name, peer), []).append(better)

    by = {}
    for seed in SEEDS:
        mine = ours.topics("em", EM_ITERATIONS, EM_PRIORS, seed)
        name = f"em, {EM_ITERATIONS}"
        plain = plain_em(counts, EM_ITERATIONS, EM_PRIORS, seed)
        assert np.allclose(mine, plain, rtol=1e-6, atol=1e-6), "em is not its formula"
        row(by, name, "the formula in NumPy, same start", seed, mine, plain)
        peer = spark(frame, "em", EM_ITERATIONS, EM_PRIORS, seed)
        row(by, name, "MLlib em", seed, mine, peer)
        name = f"online, {ONLINE_ITERATIONS}"
        start = ours.topics("online", 0, ONLINE_PRIORS, seed)
        mine = ours.topics("online", ONLINE_ITERATIONS, ONLINE_PRIORS, seed)
        peer = scikit_learn(counts, start, seed)
        row(by, name, "scikit-learn online, same start", seed, mine, peer)
        peer = spark(frame, "online", ONLINE_ITERATIONS, ONLINE_PRIORS, seed)
        row(by, name, "MLlib online", seed, mine, peer)
    print()
    for (name, peer), values in by.items():
        print(f"{name}, {peer}: better by {np.mean(values):+.2%} on average.")
        assert np.mean(values) > -0.01, "more than 1% worse"


if __name__ == "__main__":
    main()
