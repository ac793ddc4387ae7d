//! Any bytes as a saved topic model, and the same with the checksum that they should have: what is
//! read is a model, which is saved as it was and can be asked.

#![no_main]

use datashark_ml::lda::{Counts, LdaModel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = LdaModel::load(data);
    let Some((body, _)) = data.split_last_chunk::<4>() else {
        return;
    };
    let sealed = [body, &crc32fast::hash(body).to_le_bytes()].concat();
    let Ok(model) = LdaModel::load(&sealed[..]) else {
        return;
    };
    let mut saved = Vec::new();
    model.save(&mut saved).expect("memory takes it");
    assert_eq!(saved, sealed[..saved.len()]);

    let n_words = model.n_words() as u32;
    let words = (0..n_words.min(3) + 1).map(|word| (word % 2, word, 3_u32));
    let counts = Counts::from_triples(2, n_words as usize + 1, words).expect("small counts");
    let mixes = model.transform(&counts);
    assert!(
        mixes
            .rows()
            .into_iter()
            .all(|mix| (mix.sum() - 1.0).abs() < 1e-6)
    );
    let _ = model.perplexity(&counts);
    let _ = model.top_words(0, 2);
});
