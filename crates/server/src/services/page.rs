//! Pages of lists.

use prost::Message;

/// Lines of a page where the request does not say.
const DEFAULT_LINES: usize = 100;
/// Lines of a page at most.
const MOST_LINES: usize = 1000;
/// What the lines of a page may take together: comfortably less than the 4 MiB that clients accept by default.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How many lines a request is given.
pub(super) fn lines(asked: u32) -> usize {
    match usize::try_from(asked).unwrap_or(MOST_LINES) {
        0 => DEFAULT_LINES,
        asked => asked.min(MOST_LINES),
    }
}

/// One page of `found`, which holds one line more than asked if there are more; with the last line shown, if
/// something is left for another page. Large lines make a page shorter, but there is always one.
pub(super) fn page<T, M>(found: &[T], lines: usize) -> (Vec<M>, Option<&T>)
where
    M: Message + for<'a> From<&'a T>,
{
    let mut page = Vec::with_capacity(found.len().min(lines));
    let mut bytes = 0;
    for line in found.iter().take(lines) {
        let line = M::from(line);
        bytes += line.encoded_len();
        if bytes > MOST_BYTES && !page.is_empty() {
            break;
        }
        page.push(line);
    }
    let left = page.len() < found.len();
    let last = page.len().checked_sub(1).filter(|_| left);
    (page, last.map(|last| &found[last]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Line {
        #[prost(bytes = "vec", tag = "1")]
        bytes: Vec<u8>,
    }

    impl From<&usize> for Line {
        fn from(bytes: &usize) -> Self {
            Self {
                bytes: vec![0; *bytes],
            }
        }
    }

    fn sizes(found: &[usize], lines: usize) -> (Vec<usize>, Option<usize>) {
        let (page, last) = page::<_, Line>(found, lines);
        let sizes = page.iter().map(|line| line.bytes.len()).collect();
        (sizes, last.copied())
    }

    #[test]
    fn a_page_ends_at_the_lines_asked_for_or_when_it_is_large() {
        assert_eq!(sizes(&[], 2), (vec![], None));
        assert_eq!(sizes(&[1, 2], 2), (vec![1, 2], None));
        assert_eq!(sizes(&[1, 2, 3], 2), (vec![1, 2], Some(2)));
        let large = MOST_BYTES - 10;
        assert_eq!(sizes(&[1, large, 3], 9), (vec![1, large], Some(large)));
        let huge = MOST_BYTES + 10;
        assert_eq!(sizes(&[huge, 1], 9), (vec![huge], Some(huge)));
    }

    #[test]
    fn a_request_gets_between_one_line_and_a_thousand() {
        assert_eq!([lines(0), lines(1), lines(u32::MAX)], [100, 1, 1000]);
    }
}
