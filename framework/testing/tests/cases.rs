//! The cases of `tests/cases`: every conf over its input, in every way, against what is expected.

use std::path::Path;

#[test]
fn every_case_gives_what_is_expected_in_whatever_way_it_is_run() {
    let use_cases = [
        datashark_wordcount::USE_CASE,
        datashark_web_anomaly_detection::USE_CASE,
        datashark_spot_lda::USE_CASE,
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    match datashark_testing::run_cases(&folder, &use_cases) {
        Ok(n_cases) => {
            let is_all = std::env::var_os("CASES").is_none();
            assert!(n_cases >= 100 || !is_all, "only {n_cases} cases were found");
        }
        Err(failures) => panic!("{failures}"),
    }
}
