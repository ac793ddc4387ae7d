//! Rows per second of every function, with the limit in the same run.
//!
//! `limit/hash` reads every byte once: what a `GROUP BY` of the argument costs at least. Run it with
//! `cargo bench -p datashark-functions`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run shall stop")]

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{Field, FieldRef};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

/// DataFusion's batch.
const N_ROWS: usize = 8192;

/// SplitMix64: the same rows each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

fn column(row: impl Fn(&mut Random) -> String) -> ArrayRef {
    let mut random = Random(1);
    let rows = (0..N_ROWS).map(|_| row(&mut random));
    Arc::new(StringViewArray::from_iter_values(rows))
}

fn hosts() -> ArrayRef {
    column(|random| {
        let ends = ["com", "co.uk", "github.io", "de", "com.au", "example"];
        let end = ends[random.below(6) as usize];
        format!("www{}.site{}.{end}", random.below(9), random.below(5000))
    })
}

fn hosts_in_capitals() -> ArrayRef {
    column(|random| format!("WWW.Site{}.Example.COM", random.below(5000)))
}

fn ips() -> ArrayRef {
    column(|random| {
        let part = |random: &mut Random| random.below(256);
        let parts = [part(random), part(random), part(random), part(random)];
        parts.map(|part| part.to_string()).join(".")
    })
}

fn urls() -> ArrayRef {
    column(|random| {
        let (host, page, id) = (random.below(500), random.below(90), random.below(100_000));
        format!("https://www.site{host}.example.com:8443/shop/page{page}.html?lang=en&id={id}")
    })
}

fn paths() -> ArrayRef {
    column(|random| {
        format!(
            "/shop/page{}.html?id={}",
            random.below(90),
            random.below(100_000)
        )
    })
}

/// What it takes to call a function on a batch, made once.
struct Call {
    function: ScalarUDF,
    args: Vec<ColumnarValue>,
    arg_fields: Vec<FieldRef>,
    return_field: FieldRef,
}

impl Call {
    fn new(name: &str, column: &ArrayRef, literal: Option<&str>) -> Self {
        let mut all = datashark_functions::all().into_iter();
        let function = all.find(|function| function.name() == name).unwrap();
        let literal = literal.map(|text| ScalarValue::Utf8(Some(text.to_owned())));
        let mut args = vec![ColumnarValue::Array(Arc::clone(column))];
        args.extend(literal.clone().map(ColumnarValue::Scalar));
        let field = |arg: &ColumnarValue| Arc::new(Field::new("a", arg.data_type(), true));
        let arg_fields: Vec<FieldRef> = args.iter().map(field).collect();
        let literals = [None, literal.as_ref()];
        let return_field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &literals[..args.len()],
        });
        Call {
            function,
            args,
            arg_fields,
            return_field: return_field.unwrap(),
        }
    }

    fn run(&self, config: &Arc<ConfigOptions>) -> ColumnarValue {
        let result = self.function.invoke_with_args(ScalarFunctionArgs {
            args: self.args.clone(),
            arg_fields: self.arg_fields.clone(),
            number_rows: N_ROWS,
            return_field: Arc::clone(&self.return_field),
            config_options: Arc::clone(config),
        });
        result.unwrap()
    }
}

fn functions(criterion: &mut Criterion) {
    let config = Arc::new(ConfigOptions::default());
    let mut group = criterion.benchmark_group("functions");
    group.throughput(Throughput::Elements(N_ROWS as u64));

    let many: Vec<String> = (0..1000)
        .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
        .collect();
    let many = many.join(",");
    type Bench<'a> = (
        &'a str,
        fn() -> ArrayRef,
        &'a [(&'a str, &'a str, Option<&'a str>)],
    );
    let benches: [Bench<'_>; 5] = [
        (
            "hosts",
            hosts,
            &[
                ("registered_domain", "registered_domain", None),
                ("entropy", "entropy", None),
            ],
        ),
        (
            "hosts_in_capitals",
            hosts_in_capitals,
            &[("registered_domain", "registered_domain", None)],
        ),
        (
            "ips",
            ips,
            &[
                (
                    "ip_in/3_networks",
                    "ip_in",
                    Some("10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"),
                ),
                ("ip_in/1000_networks", "ip_in", Some(&many)),
            ],
        ),
        (
            "urls",
            urls,
            &[
                ("url_part/host", "url_part", Some("host")),
                ("url_part/path", "url_part", Some("path")),
                ("url_part/query:id", "url_part", Some("query:id")),
            ],
        ),
        (
            "paths",
            paths,
            &[("url_part/query", "url_part", Some("query"))],
        ),
    ];
    for (rows, make, calls) in benches {
        let column = make();
        let texts = column.as_string_view();
        let hasher = foldhash::fast::FixedState::default();
        group.bench_function(format!("{rows}/limit/hash"), |bencher| {
            bencher.iter(|| {
                for text in texts {
                    let mut hash = hasher.build_hasher();
                    hash.write(text.unwrap_or_default().as_bytes());
                    black_box(hash.finish());
                }
            });
        });
        for (id, name, literal) in calls {
            let call = Call::new(name, &column, *literal);
            group.bench_function(format!("{rows}/{id}"), |bencher| {
                bencher.iter(|| black_box(call.run(&config)));
            });
        }
    }
    group.finish();
}

/// The peer of `url_part`, on the same URLs.
fn peer(criterion: &mut Criterion) {
    let urls = urls();
    let texts = urls.as_string_view();
    let mut group = criterion.benchmark_group("peer");
    group.throughput(Throughput::Elements(N_ROWS as u64));
    group.bench_function("urls/url_crate/host", |bencher| {
        bencher.iter(|| {
            for text in texts.iter().flatten() {
                black_box(url::Url::parse(text).unwrap().host_str().map(str::len));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, functions, peer);
criterion_main!(benches);
