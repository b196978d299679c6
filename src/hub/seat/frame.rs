//! The outside of a server's WebSocket frame: writing its header and finding where it ends.
//!
//! Frames from a server are never masked (RFC 6455, 5.1), so one encoded frame serves every seat.

const FIN_TEXT: u8 = 0x81;
const LEN_U16: u8 = 126;
const LEN_U64: u8 = 127;

/// Length of the frame that carries `payload` bytes.
pub(crate) fn framed_len(payload: usize) -> usize {
    payload
        + match payload {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        }
}

/// Appends one text frame whose payload is the concatenation of `parts`.
pub(crate) fn put_text(buffer: &mut Vec<u8>, parts: &[&[u8]]) {
    let payload: usize = parts.iter().map(|part| part.len()).sum();
    buffer.reserve(framed_len(payload));
    buffer.push(FIN_TEXT);
    match payload {
        0..=125 => buffer.push(payload as u8),
        126..=0xffff => {
            buffer.push(LEN_U16);
            buffer.extend_from_slice(&(payload as u16).to_be_bytes());
        }
        _ => {
            buffer.push(LEN_U64);
            buffer.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
    for part in parts {
        buffer.extend_from_slice(part);
    }
}

/// Length of the unmasked frame that starts at byte 0 of `byte_at`, header included.
///
/// `None` when the header itself is cut short.
pub(crate) fn len_at(byte_at: impl Fn(usize) -> Option<u8>) -> Option<usize> {
    let big_endian = |bytes: std::ops::Range<usize>| {
        bytes.map(&byte_at).try_fold(0_usize, |len, byte| Some(len << 8 | usize::from(byte?)))
    };
    match byte_at(1)? & 0x7f {
        LEN_U16 => Some(big_endian(2..4)? + 4),
        LEN_U64 => Some(big_endian(2..10)?.saturating_add(10)),
        short => Some(usize::from(short) + 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };

    #[test]
    fn frames_are_those_of_tungstenite() {
        for len in [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 200_000] {
            let payload = vec![b'a'; len];
            let mut theirs = Vec::new();
            Frame::message(payload.clone(), OpCode::Data(Data::Text), true)
                .format(&mut theirs)
                .unwrap();
            let mut ours = Vec::new();
            let (head, tail) = payload.split_at(len / 3);
            put_text(&mut ours, &[head, tail]);
            assert_eq!(ours, theirs, "payload of {len} bytes");
            assert_eq!(framed_len(len), ours.len());
            assert_eq!(len_at(|at| ours.get(at).copied()), Some(ours.len()));
        }
    }

    #[test]
    fn a_cut_header_has_no_length() {
        let mut frame = Vec::new();
        put_text(&mut frame, &[&[b'a'; 70_000]]);
        for len in 0..10 {
            assert_eq!(len_at(|at| frame[..len].get(at).copied()), None);
        }
    }
}
