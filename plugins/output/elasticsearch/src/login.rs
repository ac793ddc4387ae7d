//! How to log in: a user and password or an API key, from the conf or from a file.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datashark_sdk::conf::Secret;

/// Who the output is to the server.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// Nobody: the server asks for nothing.
    None,
    /// A user with a password.
    User { name: String, password: Source },
    /// An API key: `id:key`, or the two in base64 as the server shows them (`encoded`).
    ApiKey(Source),
}

/// Where a secret is.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// In the conf.
    Conf(Secret),
    /// The first line of a file, which may change while the output runs.
    File(PathBuf),
}

impl Login {
    /// The value of the header `Authorization`, read anew where it comes from a file.
    ///
    /// # Errors
    /// The file cannot be read, or holds what no header can.
    pub(crate) fn header(&self) -> Result<Option<Secret>, String> {
        let (scheme, text) = match self {
            Login::None => return Ok(None),
            Login::User { name, password } => {
                let password = password.read()?;
                (
                    "Basic",
                    STANDARD.encode(format!("{name}:{}", password.reveal())),
                )
            }
            Login::ApiKey(key) => {
                let key = key.read()?;
                let text = match key.reveal() {
                    plain if plain.contains(':') => STANDARD.encode(plain),
                    encoded => encoded.to_owned(),
                };
                ("ApiKey", text)
            }
        };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "the API key holds what is neither a letter, a digit nor a sign".to_owned(),
            );
        }
        Ok(Some(Secret::new(format!("{scheme} {text}"))))
    }

    /// Whether it may have changed since it was read.
    pub(crate) fn may_change(&self) -> bool {
        matches!(
            self,
            Login::User {
                password: Source::File(_),
                ..
            } | Login::ApiKey(Source::File(_))
        )
    }

    /// Whether there is anything to keep from others.
    pub(crate) fn is_secret(&self) -> bool {
        !matches!(self, Login::None)
    }
}

impl Source {
    fn read(&self) -> Result<Secret, String> {
        match self {
            Source::Conf(secret) => Ok(secret.clone()),
            Source::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
                match text.lines().next() {
                    Some(line) if !line.is_empty() => Ok(Secret::new(line)),
                    _ => Err(format!("`{}` is empty", path.display())),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(login: &Login) -> Result<String, String> {
        Ok(login.header()?.unwrap().reveal().to_owned())
    }

    #[test]
    fn a_login_is_the_header_of_its_scheme() {
        let password = Source::Conf(Secret::new("open sesame"));
        let name = "Aladdin".to_owned();
        // The example of RFC 7617, section 2.
        let login = Login::User { name, password };
        assert_eq!(
            header(&login).unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        let key = |text: &str| Login::ApiKey(Source::Conf(Secret::new(text)));
        assert_eq!(header(&key("id:key")).unwrap(), "ApiKey aWQ6a2V5");
        assert_eq!(header(&key("aWQ6a2V5")).unwrap(), "ApiKey aWQ6a2V5");
        assert!(header(&key("a\r\nX-Evil: b".replace(':', "").as_str())).is_err());
        assert!(Login::None.header().unwrap().is_none());
    }

    #[test]
    fn a_file_is_read_anew_and_its_line_end_is_not_of_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let login = Login::ApiKey(Source::File(path.clone()));
        let error = header(&login).unwrap_err();
        assert!(
            error.starts_with("cannot read `") && error.contains("No such file"),
            "{error}"
        );
        for (text, expected) in [("first\r\n", "ApiKey first"), ("second", "ApiKey second")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(header(&login).unwrap(), expected);
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(header(&login).unwrap_err().ends_with("is empty"));
    }
}
