#!/usr/bin/env python3
"""How soon dataShark and its peers come to a given held-out perplexity.

    python3 -m venv target/lda-peers
    target/lda-peers/bin/pip install -r framework/ml/benches/peers/requirements.txt
    cargo build --release -p datashark-ml --example lda
    taskset -c 2,3 target/lda-peers/bin/python framework/ml/benches/peers/run.py \
        [--times 3] [--peers datashark,tomotopy,...] [--lda target/release/examples/lda]

The matrix is in matrix.py. The aim is 1.03 times the perplexity of the topics that it was made of; each
tool gets the priors that it was made with. Seconds are those of the fit alone, by the clock and of
the processors (of all threads and processes); the least of `--times` fits with different seeds counts.
A tool is run for each number of iterations, from few to many, until one of its seeds is there: what
is told is the shortest fit that gets there, never a sum. Spark is given 2 cores by local[2].
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import matrix

AIM = 1.03


def cpu_seconds():
    """Of this process and all that it started, Spark's among them."""
    parents, seconds = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = pathlib.Path("/proc", pid, "stat").read_text()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        parents[int(pid)] = int(fields[1])
        seconds[int(pid)] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    ours = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        if not more:
            return sum(seconds[pid] for pid in ours)
        ours |= more


def timed(fit):
    wall, cpu = time.perf_counter(), cpu_seconds()
    topics = fit()
    return topics, time.perf_counter() - wall, cpu_seconds() - cpu


class DataShark:
    """Its default settings; `iterations` are looks at all documents."""

    iterations = [1, 2, 6]

    def __init__(self, counts, binary, algorithm="fast"):
        self.binary, self.n_words = binary, counts.shape[1]
        self.folder = tempfile.mkdtemp()
        self.matrix = os.path.join(self.folder, "matrix")
        matrix.write(self.matrix, counts)

    def fit(self, iterations, seed):
        topics = os.path.join(self.folder, "topics")
        settings = [f"iterations={iterations}", f"seed={seed}", "threads=2"]
        settings += [f"alpha={matrix.ALPHA}", f"eta={matrix.ETA}"]
        run = subprocess.run(
            [self.binary, self.matrix, topics, *settings], check=True, capture_output=True
        )
        took = json.loads(run.stdout)
        found = np.fromfile(topics, "<f8").reshape(self.n_words, -1).T
        return found, took["seconds"], took["cpu_seconds"]


class Tomotopy:
    """Collapsed Gibbs sampling; `iterations` are sweeps. Both kinds of parallel work are tried."""

    iterations = [20, 40, 60, 100, 200]
    parallel = "PARTITION"

    def __init__(self, counts, _):
        self.docs = [
            np.repeat(counts.indices[a:b], counts.data[a:b]).astype(str).tolist()
            for a, b in zip(counts.indptr, counts.indptr[1:])
        ]
        self.n_words = counts.shape[1]

    def fit(self, iterations, seed):
        import tomotopy

        model = tomotopy.LDAModel(
            k=matrix.N_TOPICS, alpha=matrix.ALPHA, eta=matrix.ETA, seed=seed + 1
        )
        model.optim_interval = 0
        for doc in self.docs:
            model.add_doc(doc)
        parallel = getattr(tomotopy.ParallelScheme, self.parallel)

        def fit():
            model.train(iterations, workers=2, parallel=parallel)
            return np.array([model.get_topic_word_dist(k) for k in range(matrix.N_TOPICS)])

        found, wall, cpu = timed(fit)
        topics = np.zeros((matrix.N_TOPICS, self.n_words))
        topics[:, np.array([int(word) for word in model.used_vocabs])] = found
        return topics, wall, cpu


class TomotopyCopyMerge(Tomotopy):
    """The same with copies of the topics for each thread, which are merged."""

    parallel = "COPY_MERGE"


class ScikitLearn:
    """Variational Bayes over all documents; `iterations` are looks at all of them."""

    iterations = [5, 10, 15, 20, 30]
    settings = {"learning_method": "batch"}

    def __init__(self, counts, _):
        self.counts = counts

    def fit(self, iterations, seed):
        from sklearn.decomposition import LatentDirichletAllocation

        model = LatentDirichletAllocation(
            matrix.N_TOPICS,
            doc_topic_prior=matrix.ALPHA,
            topic_word_prior=matrix.ETA,
            max_iter=iterations,
            n_jobs=2,
            random_state=seed,
            **self.settings,
        )
        return timed(lambda: model.fit(self.counts).components_)


class ScikitLearnOnline(ScikitLearn):
    """Variational Bayes over mini-batches."""

    iterations = [1, 2, 5, 10]
    settings = {"learning_method": "online", "batch_size": 256, "learning_decay": 0.6}


class Gensim:
    """Online variational Bayes, with two worker processes; `iterations` are passes."""

    iterations = [1, 2, 5, 10]

    def __init__(self, counts, _):
        self.n_words = counts.shape[1]
        self.docs = [
            list(zip(counts.indices[a:b].tolist(), counts.data[a:b].tolist()))
            for a, b in zip(counts.indptr, counts.indptr[1:])
        ]

    def fit(self, iterations, seed):
        from gensim.models import LdaMulticore

        words = {word: str(word) for word in range(self.n_words)}
        return timed(
            lambda: LdaMulticore(
                self.docs,
                matrix.N_TOPICS,
                words,
                workers=2,
                alpha=matrix.ALPHA,
                eta=matrix.ETA,
                passes=iterations,
                chunksize=500,
                decay=0.6,
                eval_every=None,
                random_state=seed,
            ).get_topics()
        )


class Spark:
    """MLlib's `online` on local[2]; `iterations` are mini-batches of a twentieth of the documents."""

    iterations = [20, 100, 200]
    optimizer = "online"
    priors = (matrix.ALPHA, matrix.ETA)

    def __init__(self, counts, _):
        from pyspark.ml.linalg import Vectors
        from pyspark.sql import SparkSession

        self.spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.memory", "4g")
            .config("spark.ui.enabled", "false")
            .getOrCreate()
        )
        self.spark.sparkContext.setLogLevel("ERROR")
        rows = [
            (doc, Vectors.sparse(counts.shape[1], counts.indices[a:b], counts.data[a:b]))
            for doc, (a, b) in enumerate(zip(counts.indptr, counts.indptr[1:]))
        ]
        frame = self.spark.createDataFrame(rows, ["id", "features"]).repartition(2).cache()
        frame.count()
        self.frame = frame

    def fit(self, iterations, seed):
        from pyspark.ml.clustering import LDA

        alpha, eta = self.priors
        lda = LDA(
            k=matrix.N_TOPICS,
            maxIter=iterations,
            seed=seed,
            optimizer=self.optimizer,
            docConcentration=[alpha],
            topicConcentration=eta,
        )
        return timed(lambda: lda.fit(self.frame).topicsMatrix().toArray().T)


class SparkEm(Spark):
    """MLlib's `em`, with the priors one higher as it asks for."""

    iterations = [20, 50]
    optimizer = "em"
    priors = (matrix.ALPHA + 1, matrix.ETA + 1)


PEERS = {
    "datashark": DataShark,
    "tomotopy": Tomotopy,
    "tomotopy-copy-merge": TomotopyCopyMerge,
    "scikit-learn": ScikitLearn,
    "scikit-learn-online": ScikitLearnOnline,
    "gensim": Gensim,
    "spark-online": Spark,
    "spark-em": SparkEm,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--lda", default="target/release/examples/lda")
    arguments = parser.parse_args()

    counts, seen, predicted, topics = matrix.generate()
    of_truth = matrix.perplexity(topics, seen, predicted)
    load = os.getloadavg()[0]
    print(f"{counts.shape[0]:,} documents, {counts.shape[1]:,} words, {counts.nnz:,} cells, ", end="")
    print(f"{counts.sum():,} tokens; held-out perplexity of the true topics {of_truth:.1f}; ", end="")
    print(f"{len(os.sched_getaffinity(0))} cores, load {load:.0f} at the start\n")
    print("| tool | iterations | wall s | CPU s | times the true perplexity |")
    print("|---|---|---|---|---|", flush=True)
    for name in arguments.peers.split(","):
        peer = PEERS[name](counts, arguments.lda)
        for iterations in peer.iterations:
            runs = []
            for seed in range(arguments.times):
                found, wall, cpu = peer.fit(iterations, seed)
                runs.append((matrix.perplexity(found, seen, predicted) / of_truth, wall, cpu))
            ratios = sorted(ratio for ratio, _, _ in runs)
            wall, cpu = (min(run[at] for run in runs) for at in (1, 2))
            there = "" if ratios[0] <= AIM else ", not there"
            print(
                f"| {name} | {iterations} | {wall:.2f} | {cpu:.2f} | "
                f"{ratios[0]:.4f} to {ratios[-1]:.4f}{there} |",
                flush=True,
            )
            if not there and name != "datashark":
                break


if __name__ == "__main__":
    sys.exit(main())
