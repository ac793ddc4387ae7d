//! What Apache Spot's `ml_ops.sh YYYYMMDD TYPE [TOL] [MAXRESULTS]` does with its arguments and a
//! `spot.conf`: where a day's records lie, where its results and its feedback go, what is kept.

use chrono::NaiveDate;

use crate::kind::Kind;
use crate::spot_conf::SpotConf;

/// A run over a day.
#[derive(Debug, Clone, PartialEq)]
pub struct MlOps {
    /// What the records are of.
    pub kind: Kind,
    /// Where the day's records lie, by what the conf says, with months and days of two digits.
    pub input: String,
    /// The same with months and days as numbers, as Spot's ingest writes them.
    pub unpadded_input: String,
    /// The folder that the results go into.
    pub scored: String,
    /// The file that an analyst's feedback is in.
    pub feedback: String,
    /// The highest score of a finding; `None` leaves it to the conf.
    pub threshold: Option<f64>,
    /// How many findings at most; -1 is no limit.
    pub max_results: i64,
}

/// Where data lies when no conf says so: Spot's.
const HUSER: &str = "/user/spot";

impl MlOps {
    /// The run of a day, `20160508`.
    ///
    /// # Errors
    /// The date is none.
    pub fn of(
        date: &str,
        kind: Kind,
        threshold: Option<f64>,
        max_results: Option<i64>,
        spot_conf: &str,
    ) -> Result<Self, String> {
        let is_written_so = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        let day = NaiveDate::parse_from_str(date, "%Y%m%d")
            .ok()
            .filter(|_| is_written_so);
        if day.is_none() {
            return Err(format!("expected a date as YYYYMMDD, found `{date}`"));
        }
        let (year, month, of_month) = (&date[..4], &date[4..6], &date[6..]);
        let with = |month: &str, of_month: &str| {
            let given = [
                ("HUSER", HUSER),
                ("DSOURCE", kind.name()),
                ("FDATE", date),
                ("YR", year),
                ("MH", month),
                ("DY", of_month),
            ];
            SpotConf::parse(spot_conf, &given)
        };
        let conf = with(month, of_month);
        let short = |digits: &str| digits.trim_start_matches('0').to_owned();
        let unpadded = with(&short(month), &short(of_month));
        let root = conf.get("HUSER").unwrap_or(HUSER).to_owned();
        let home = conf
            .get("HPATH")
            .map(|path| path.trim_end_matches('/').to_owned());
        let home = home.unwrap_or_else(|| format!("{root}/{}/scored_results/{date}", kind.name()));
        Ok(MlOps {
            kind,
            input: input(&conf, kind, &root, [year, month, of_month]),
            unpadded_input: input(
                &unpadded,
                kind,
                &root,
                [year, &short(month), &short(of_month)],
            ),
            scored: format!("{home}/scores"),
            feedback: format!("{home}/feedback/ml_feedback.csv"),
            threshold,
            max_results: max_results.unwrap_or(-1),
        })
    }
}

/// The path that the conf gives a kind, or Spot's.
fn input(conf: &SpotConf, kind: Kind, root: &str, [year, month, day]: [&str; 3]) -> String {
    let key = format!("{}_PATH", kind.name().to_ascii_uppercase());
    let path = conf.get(&key).map(str::to_owned);
    path.unwrap_or_else(|| format!("{root}/{}/hive/y={year}/m={month}/d={day}/", kind.name()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_day_is_run_as_spot_runs_it() {
        let Some(text) = datashark_test_data::spot_vectors() else {
            return;
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for vector in vectors["ml_ops"].as_array().unwrap() {
            let (input, expected) = (&vector["input"], &vector["expected"]);
            let argument = |idx: usize| input["argv"][idx].as_str();
            let entries = input["conf"].as_object().unwrap().iter();
            let conf = entries.map(|(key, value)| format!("{key}='{}'\n", value.as_str().unwrap()));
            let conf: String = conf.collect();
            let kind: Kind = serde_json::from_value(argument(1).unwrap().into()).unwrap();
            let number = |idx: usize| argument(idx).and_then(|text| text.parse().ok());
            let limit = number(3).map(|limit: f64| limit as i64);
            let run = MlOps::of(argument(0).unwrap(), kind, number(2), limit, &conf);
            let Some(wanted) = expected.as_object() else {
                assert!(run.is_err(), "{vector}");
                continue;
            };
            let run = run.unwrap();
            // Without an argument the conf says.
            let of_conf = SpotConf::parse(&conf, &[]);
            let threshold = run.threshold.or_else(|| of_conf.get("TOL")?.parse().ok());
            for (key, value) in wanted {
                let value = value.as_str().unwrap();
                match key.as_str() {
                    "input" => assert_eq!(run.input, value),
                    "scored" => assert_eq!(run.scored, value),
                    "feedback" => assert_eq!(run.feedback, value),
                    "threshold" => assert_eq!(threshold, value.parse().ok()),
                    "maxresults" => assert_eq!(run.max_results.to_string(), value),
                    "results_file" => {
                        let file = format!("{}/{}_results.csv", run.scored, kind.name());
                        assert_eq!(file, value);
                    }
                    other => panic!("a vector asks for `{other}`"),
                }
            }
        }
    }

    #[test]
    fn only_a_day_that_there_is_is_a_date() {
        for wrong in [
            "20160230",
            "2016050",
            "2016-5-8",
            "+2016050",
            "２０１６",
            "",
        ] {
            assert!(
                MlOps::of(wrong, Kind::Dns, None, None, "").is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn partitions_may_have_numbers_without_zeros() {
        let run = MlOps::of(
            "20160508",
            Kind::Dns,
            None,
            None,
            "DNS_PATH=/d/m=${MH}/d=${DY}",
        )
        .unwrap();
        assert_eq!(
            (run.input.as_str(), run.unpadded_input.as_str()),
            ("/d/m=05/d=08", "/d/m=5/d=8")
        );
    }
}
