//! WebSocket frames of a client, as cheap as they can be: a mask of zeros, no extensions.

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Appends one masked frame.
pub(crate) fn put_masked(buffer: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(buffer, opcode, payload.len(), MASKED);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(payload);
}

/// Appends one frame as a server sends it.
pub(crate) fn put_plain(buffer: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(buffer, opcode, payload.len(), 0);
    buffer.extend_from_slice(payload);
}

fn put_head(buffer: &mut Vec<u8>, opcode: u8, len: usize, mask: u8) {
    buffer.push(FIN | opcode);
    match len {
        0..=125 => buffer.push(mask | len as u8),
        126..=0xffff => {
            buffer.push(mask | 126);
            buffer.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            buffer.push(mask | 127);
            buffer.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// The first whole frame of `bytes`: its opcode, its payload (unmasked only where the mask is
/// zeros), and how long it is in all. Nothing while it is cut short.
pub(crate) fn first(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (opcode, second) = (bytes.first()? & 0x0f, bytes.get(1)?);
    let (len, mut head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    head += if second & MASKED == 0 { 0 } else { 4 };
    let end = head + usize::try_from(len).ok()?;
    Some((opcode, bytes.get(head..end)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'p'; len];
            for put in [put_masked, put_plain] {
                let mut bytes = Vec::new();
                put(&mut bytes, TEXT, &payload);
                assert_eq!(first(&bytes), Some((TEXT, &payload[..], bytes.len())));
                assert_eq!(first(&bytes[..bytes.len() - 1]), None);
            }
        }
    }
}
