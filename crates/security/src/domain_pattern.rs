//! Selects domains by name.

use std::fmt;
use std::str::FromStr;

use seriatim_core::Domain;

/// How the names of Seriatim's own domains begin.
pub const OWN_DOMAINS: &str = "seriatim.";

/// Selects domains: by a name (`order`), by how names begin (`order*`), or all (`*`).
///
/// Seriatim's own domains, whose names begin with `seriatim.`, are selected only by a pattern that begins in that way
/// too. `*` therefore shows nobody what operators did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DomainPattern {
    begin: String,
    is_whole: bool,
}

impl DomainPattern {
    /// Selects all domains of applications.
    pub fn all() -> Self {
        Self {
            begin: String::new(),
            is_whole: false,
        }
    }

    /// Returns whether it selects a domain.
    pub fn matches(&self, domain: &Domain) -> bool {
        let name = domain.as_str();
        match self.is_whole {
            true => name == self.begin,
            false if name.starts_with(OWN_DOMAINS) && !self.begin.starts_with(OWN_DOMAINS) => false,
            false => name.starts_with(&self.begin),
        }
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_whole { "" } else { "*" };
        write!(f, "{}{star}", self.begin)
    }
}

impl FromStr for DomainPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (begin, is_whole) = match text.strip_suffix('*') {
            Some(begin) => (begin, false),
            None => (text, true),
        };
        // What begins a name is a name itself.
        let is_valid = Domain::new(begin).is_ok() || (begin.is_empty() && !is_whole);
        match is_valid {
            true => Ok(Self {
                begin: begin.into(),
                is_whole,
            }),
            false => Err(InvalidPattern { text: text.into() }),
        }
    }
}

/// The error for text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` selects no domains; give the name of a domain, the beginning of a name with `*` after it, or `*` alone"
)]
pub struct InvalidPattern {
    /// The value that was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, domain: &str) -> bool {
        let pattern: DomainPattern = pattern.parse().unwrap();
        pattern.matches(&domain.parse().unwrap())
    }

    #[test]
    fn a_pattern_is_a_name_or_a_beginning() {
        assert!(matches("order", "order") && !matches("order", "order-line"));
        assert!(matches("order*", "order") && matches("order*", "order-line"));
        assert!(!matches("order*", "stock") && matches("*", "stock"));
    }

    #[test]
    fn own_domains_are_selected_only_by_name() {
        for pattern in ["*", "s*", "seriatim*"] {
            assert!(!matches(pattern, "seriatim.operations"), "{pattern}");
        }
        for pattern in ["seriatim.*", "seriatim.operations", "seriatim.o*"] {
            assert!(matches(pattern, "seriatim.operations"), "{pattern}");
        }
        assert!(matches("seriatim*", "seriatimes"));
    }

    #[test]
    fn what_selects_nothing_is_refused() {
        for text in ["", "**", "o*r", "*order", "Order", " order", "7*"] {
            assert!(text.parse::<DomainPattern>().is_err(), "{text}");
        }
        for text in ["*", "order", "order*", "a.b*"] {
            assert_eq!(text.parse::<DomainPattern>().unwrap().to_string(), text);
        }
    }
}
