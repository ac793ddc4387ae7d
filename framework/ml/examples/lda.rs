//! Fits topics to a matrix in a file, for the scripts in `benches/peers` and `reference`.
//!
//! ```text
//! lda MATRIX TOPICS [algorithm=fast] [topics=20] [iterations=6] [alpha=0.1] [eta=0.01] [seed=0] [threads=2]
//! ```
//!
//! `MATRIX` has the sizes (documents, words, cells) and the row starts as 64-bit integers, then the
//! words and the counts as 32-bit ones, little-endian. The weights of the words in the topics,
//! `(n_words, n_topics)`, are written to `TOPICS` as 64-bit floats. Seconds of the fit alone, by the
//! clock and of the processor, go to standard output as JSON.

#![expect(clippy::print_stdout, reason = "that is its output")]

use std::error::Error;
use std::time::Instant;

use datashark_ml::lda::{Algorithm, Counts, Lda};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(matrix), Some(topics)) = (arguments.next(), arguments.next()) else {
        return Err("expected a matrix and a file for the topics".into());
    };
    let settings: Vec<(String, String)> = arguments
        .filter_map(|argument| Some(argument.split_once('=')?).map(|(k, v)| (k.into(), v.into())))
        .collect();
    let setting = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };

    let counts = read(&std::fs::read(matrix)?)?;
    let algorithm = match setting("algorithm").map(String::as_str) {
        Some("em") => Algorithm::Em,
        Some("online") => Algorithm::Online,
        _ => Algorithm::Fast,
    };
    let params = Lda::params(setting("topics").map_or(Ok(20), |value| value.parse())?)
        .algorithm(algorithm)
        .alpha(setting("alpha").map(|value| value.parse()).transpose()?)
        .eta(setting("eta").map(|value| value.parse()).transpose()?)
        .max_iterations(
            setting("iterations")
                .map(|value| value.parse())
                .transpose()?,
        )
        .threads(setting("threads").map(|value| value.parse()).transpose()?)
        .seed(setting("seed").map_or(Ok(0), |value| value.parse())?);

    let cpu_before = cpu_seconds()?;
    #[expect(clippy::disallowed_methods, reason = "it is only shown")]
    let begin = Instant::now();
    let model = params.fit(&counts)?;
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds()? - cpu_before);

    let weights = &model.word_topics() * &ndarray::aview1(model.topic_weights());
    let bytes: Vec<u8> = weights
        .iter()
        .flat_map(|weight| weight.to_le_bytes())
        .collect();
    std::fs::write(topics, bytes)?;
    println!("{{\"seconds\": {seconds:.3}, \"cpu_seconds\": {cpu:.2}}}");
    Ok(())
}

fn read(bytes: &[u8]) -> Result<Counts, Box<dyn Error>> {
    let (sizes, _) = bytes.as_chunks::<8>();
    let size = |at: usize| sizes.get(at).map(|size| u64::from_le_bytes(*size) as usize);
    let [Some(n_docs), Some(n_words), Some(n_cells)] = [size(0), size(1), size(2)] else {
        return Err("the matrix has no sizes".into());
    };
    let row_starts: Option<Vec<usize>> = (0..=n_docs).map(|doc| size(3 + doc)).collect();
    let (cells, _) = bytes
        .get((n_docs + 4) * 8..)
        .unwrap_or_default()
        .as_chunks::<4>();
    let mut numbers: Vec<u32> = cells
        .iter()
        .map(|number| u32::from_le_bytes(*number))
        .collect();
    if numbers.len() != 2 * n_cells {
        return Err("the matrix has not the cells that it says".into());
    }
    let counts = numbers.split_off(n_cells);
    let row_starts = row_starts.ok_or("the matrix has no rows")?;
    Ok(Counts::from_rows(n_words, row_starts, numbers, counts)?)
}

/// What this process has used of the processors, to a hundredth of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    Ok(ticks.map(|ticks| ticks.parse().unwrap_or(0.0)).sum::<f64>() / 100.0)
}
