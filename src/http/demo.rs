//! What the demo's pages ask for beside rooms: a link as a QR code, and what a page cannot know by
//! itself. It must not know rooms, and tells nothing that is secret.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};

use super::{Door, Problem};

/// The longest text that becomes a QR code, in bytes: a link with a room and a name, and no code
/// that a phone could not read from a screen.
const QR_TEXT_BYTES_MAX: usize = 512;
/// The least width of a code, in pixels; a page shows it at any.
const QR_PIXELS_MIN: u32 = 256;
/// An address of the documentation's network, to which nothing is sent.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The routes, for a server whose demo is on.
pub(super) fn routes() -> Router<Arc<Door>> {
    Router::new().route("/demo/about", get(about)).route("/demo/qr.svg", get(qr))
}

/// What a page cannot know by itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    /// The app's public name, without which nobody becomes a guest.
    api_key: String,
    /// This machine's address in its network, where the server listens there.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<IpAddr>,
}

async fn about(State(door): State<Arc<Door>>) -> impl IntoResponse {
    let everywhere = door.config.listen.ip().is_unspecified();
    let host = everywhere.then(outward).flatten();
    ([(CACHE_CONTROL, "no-cache")], Json(About { api_key: door.config.api_key.clone(), host }))
}

/// The address that this machine has in the network through which it reaches others.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?; // A route is looked up, and no packet is sent.
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

/// The text as a QR code: dark on light in every theme, as scanners want it.
async fn qr(query: Result<Query<Text>, QueryRejection>) -> Result<Response, Problem> {
    let Query(Text { text }) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let picture = draw(&text)?;
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "private, max-age=3600"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    Ok((StatusCode::OK, headers, picture).into_response())
}

fn draw(text: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > QR_TEXT_BYTES_MAX {
        let problem = format!(
            "`text` has {} bytes; a QR code is made of 1 to {QR_TEXT_BYTES_MAX}",
            text.len()
        );
        return Err(Problem::bad_request(problem));
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Problem::bad_request(format!("`text` makes no QR code: {error}")))?;
    let mut picture = code.render::<svg::Color<'_>>();
    picture.min_dimensions(QR_PIXELS_MIN, QR_PIXELS_MIN);
    Ok(picture.dark_color(svg::Color("#000")).light_color(svg::Color("#fff")).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_every_length_up_to_the_bound_is_drawn_and_no_other() {
        for length in [1, 100, QR_TEXT_BYTES_MAX] {
            let picture = draw(&"x".repeat(length)).unwrap();
            assert!(picture.contains("<svg") && picture.contains("</svg>"), "{length}");
        }
        for length in [0, QR_TEXT_BYTES_MAX + 1] {
            let problem = draw(&"x".repeat(length)).unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{length}");
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let picture = draw("\"><script>alert(1)</script>").unwrap();
        assert!(!picture.contains("script"), "{picture}");
    }

    #[test]
    fn an_address_in_the_network_is_never_this_machine_alone() {
        assert!(outward().is_none_or(|ip| !ip.is_loopback() && !ip.is_unspecified()));
    }
}
