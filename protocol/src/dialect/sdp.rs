//! The silent answer: an SDP answer of text alone. 100ms's and Stream's SDKs need an answer to an
//! offer before they join or publish, but no connection; an answer without candidates never becomes
//! one. It must not know who offers.

/// Longest offer that is answered, in bytes.
pub const OFFER_MAX: usize = 48 * 1024;

const FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
                           00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

/// Answers an offer; nothing where it is none.
///
/// Every section is accepted (`rejected` ones keep an SDK waiting for ever) and received from where
/// it would send; no candidates are given, so that both ends stay as new.
#[must_use]
pub fn silent_answer(offer: &str, version: u64) -> Option<String> {
    let mut lines = offer.lines().map(str::trim_end).filter(|line| !line.is_empty());
    if lines.next() != Some("v=0") || offer.len() > OFFER_MAX {
        return None;
    }
    let mut sections: Vec<Vec<&str>> = Vec::new();
    for line in lines {
        if line.starts_with("m=") {
            sections.push(vec![line]);
        } else if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    let answered: Vec<(Option<&str>, String)> =
        sections.iter().map(|section| answer_section(section)).collect::<Option<_>>()?;
    let mids: Vec<&str> = answered.iter().filter_map(|(mid, _)| *mid).collect();
    let mut answer =
        format!("v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n");
    if !mids.is_empty() {
        answer.push_str(&format!("a=group:BUNDLE {}\r\n", mids.join(" ")));
    }
    answer.push_str("a=msid-semantic: WMS *\r\n");
    answer.extend(answered.into_iter().map(|(_, text)| text));
    Some(answer)
}

/// One section's answer, and its `mid` where it lives.
fn answer_section<'a>(section: &[&'a str]) -> Option<(Option<&'a str>, String)> {
    let mut words = section.first()?.strip_prefix("m=")?.split(' ');
    let (kind, port, proto) = (words.next()?, words.next()?, words.next()?);
    let formats: Vec<&str> = words.collect();
    let attribute = |name: &str| {
        section
            .iter()
            .find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
    };
    let mid = attribute("mid")?;
    let rejected = port == "0";
    let port = if rejected { "0" } else { "9" };
    let mut text = format!("m={kind} {port} {proto} {}\r\nc=IN IP4 0.0.0.0\r\n", formats.join(" "));
    let mut add = |line: &str| {
        text.push_str(line);
        text.push_str("\r\n");
    };
    add("a=ice-ufrag:role");
    add("a=ice-pwd:rolecallrolecallrolecall");
    add(&format!("a=fingerprint:sha-256 {FINGERPRINT}"));
    add("a=setup:passive");
    add(&format!("a=mid:{mid}"));
    if kind == "application" {
        add(&format!("a=sctp-port:{}", attribute("sctp-port").unwrap_or("5000")));
        add("a=max-message-size:262144");
    } else {
        let sends = section.iter().any(|line| matches!(*line, "a=sendonly" | "a=sendrecv"));
        add("a=rtcp-mux");
        add(if sends && !rejected { "a=recvonly" } else { "a=inactive" });
        let taken = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:"];
        let as_offered = section.iter().filter(|l| taken.iter().any(|start| l.starts_with(start)));
        as_offered.for_each(|line| add(line));
        // Layers that are sent are received: without that an SDK could not offer them again.
        if let Some(layers) = attribute("simulcast").and_then(|text| text.strip_prefix("send ")) {
            let rids = section.iter().filter_map(|line| line.strip_prefix("a=rid:"));
            let rids = rids.filter_map(|rid| rid.strip_suffix(" send"));
            rids.for_each(|rid| add(&format!("a=rid:{rid} recv")));
            add(&format!("a=simulcast:recv {layers}"));
        }
    }
    Some(((!rejected).then_some(mid), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\na=mid:0\r\na=sctp-port:5000\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:1\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=ssrc:1 x\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=sendrecv\r\na=rtpmap:96 VP8/90000\r\n";

    #[test]
    fn every_section_is_answered_and_only_live_ones_are_bundled() {
        let answer = silent_answer(OFFER, 3).unwrap();
        assert!(answer.starts_with("v=0\r\no=- 1 3 "));
        assert!(answer.contains("a=group:BUNDLE 0 1\r\n"), "{answer}");
        let sections: Vec<&str> = answer.split("m=").skip(1).collect();
        assert_eq!(sections.len(), 3);
        assert!(sections[0].starts_with("application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
        assert!(sections[0].contains("a=sctp-port:5000\r\n"));
        assert!(
            sections[1].contains("a=recvonly\r\n") && sections[1].contains("a=rtpmap:111 opus")
        );
        assert!(!sections[1].contains("ssrc"));
        assert!(sections[2].starts_with("video 0 ") && sections[2].contains("a=inactive\r\n"));
        assert!(!answer.contains("candidate"));
    }

    #[test]
    fn what_is_no_offer_has_no_answer() {
        for wrong in
            ["", "hello", "v=0\r\nm=audio", "v=0\r\nm=audio 9 x 1\r\n", &"v=0\r\n".repeat(20_000)]
        {
            assert_eq!(silent_answer(wrong, 1), None, "{}", &wrong[..wrong.len().min(20)]);
        }
        // Nothing to say is answered by nothing.
        assert!(silent_answer("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n", 1).is_some());
    }
}
