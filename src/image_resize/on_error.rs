//! What a request that failed is answered with, and what is let through: `image_resize_on_error`,
//! `image_resize_pass` and `image_resize_no_transform`.

use image_gate_core::image::{Error, Format};

use super::conf::{LocConf, Mode, OnError, PassSvg};
use super::response_info::Failure;
use super::{headers, link};
use crate::ngx::Request;
use crate::ngx::conf::{ConfError, DirectiveArgs, once};

/// Reads `image_resize_on_error`.
pub fn set_on_error(slot: &mut Option<OnError>, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let policy = match args.arg(0) {
        b"415" => OnError::Status,
        b"original" => OnError::Original,
        [b'=', uri @ ..] => {
            let uri = args.expression(uri)?;
            if uri.constant().is_some_and(|uri| !is_target(uri)) {
                return Err(ConfError::invalid(
                    "a URI begins with \"/\", a named location with \"@\"",
                ));
            }
            OnError::Redirect(uri)
        }
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(ConfError::invalid(format_args!(
                "invalid value \"{other}\", it must be 415, original or =URI"
            )));
        }
    };
    once(slot, policy)
}

/// Reads `image_resize_pass`.
pub fn set_pass(slot: &mut Option<PassSvg>, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let policy = match args.arg(0) {
        b"svg" => PassSvg::AsItCame,
        b"svg=sanitized" if Format::Svg.is_read() => PassSvg::Sanitized,
        b"svg=sanitized" => return Err(ConfError::invalid("SVG is not read by this build")),
        b"off" => PassSvg::Off,
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(ConfError::invalid(format_args!(
                "invalid value \"{other}\", it must be svg, svg=sanitized or off"
            )));
        }
    };
    once(slot, policy)
}

fn is_target(uri: &[u8]) -> bool {
    matches!(uri, [b'/' | b'@', ..])
}

impl Failure {
    /// Whether the policy of errors is for it: what costs too much, or was not all sent, keeps its
    /// own answer.
    fn is_forgivable(&self) -> bool {
        match self {
            Failure::Image(error) => !matches!(
                error,
                Error::TooLarge { .. }
                    | Error::TooManyPixels(_)
                    | Error::TooManyFrames(_)
                    // Of the link, and no fault of the source.
                    | Error::BeyondImage(_)
                    | Error::Timeout
                    | Error::Cancelled
            ),
            Failure::Params(_)
            | Failure::Expired
            | Failure::Busy
            | Failure::Upstream
            | Failure::Sliced => false,
        }
    }
}

/// That a request was redirected because of an error; it is once only.
struct Redirected;

/// Whether a request is there because a failure led to it.
pub fn is_redirected(request: Request<'_>) -> bool {
    request.attached::<Redirected>().is_some()
}

impl LocConf {
    /// Whether sources are to get a watermark, and so never go out as they are.
    pub fn has_watermark(&self) -> bool {
        self.watermarks.as_ref().is_some_and(|layers| !layers.is_empty())
    }

    /// Whether a source that can't be transformed goes out as it is.
    pub fn keeps_original(&self) -> bool {
        matches!(self.on_error, Some(OnError::Original)) && !self.has_watermark()
    }

    /// Whether a failure is answered by its status, and nothing else.
    pub fn answers_errors(&self) -> bool {
        matches!(self.on_error, None | Some(OnError::Status))
    }

    /// Whether the original goes out because of that failure, if it [may](LocConf::lets_out).
    pub fn sends_original(&self, failure: &Failure) -> bool {
        self.keeps_original() && failure.is_forgivable()
    }

    /// Whether SVG goes out, but only without what could run or load anything.
    pub fn sanitizes(&self) -> bool {
        self.pass_svg == Some(PassSvg::Sanitized)
    }

    /// Whether a source of that format, by its bytes, may go out as it came: where SVG is sanitized, nothing
    /// but a picture made of pixels may, and under the name of its own format.
    pub fn lets_out(&self, format: Option<Format>) -> bool {
        !self.sanitizes() || format.is_some_and(|format| format != Format::Svg)
    }

    /// Whether a source may go out as it came before any of its bytes is there.
    pub fn lets_out_unseen(&self, request: Request<'_>) -> bool {
        // To HEAD none goes out.
        !self.sanitizes() || request.is_head() && self.lets_out(headers::declared_format(&request))
    }

    /// Where that failure leads to. To be asked once, when it does.
    pub fn redirects(&self, request: Request<'_>, failure: &Failure) -> Option<Vec<u8>> {
        let Some(OnError::Redirect(uri)) = self.on_error else { return None };
        if !failure.is_forgivable() || is_redirected(request) {
            return None;
        }
        let uri = uri.evaluate(request).filter(|uri| is_target(uri))?;
        request.attach(Redirected)?;
        Some(uri.to_vec())
    }

    /// Whether the source may be an SVG image that is let through as it came: its bytes tell.
    pub fn may_pass(&self) -> bool {
        let describes = matches!(self.mode(), Mode::Size);
        self.pass_svg == Some(PassSvg::AsItCame) && !describes
    }

    /// Whether the source goes out as it is because its `Cache-Control` says so.
    pub fn honors_no_transform(&self, request: Request<'_>) -> bool {
        let says_so = || {
            let values = request.values(b"Cache-Control");
            values
                .flat_map(|value| value.split(|&byte| byte == b','))
                .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
        };
        self.no_transform.unwrap_or(false)
            && self.mode().makes_image()
            && link::description(request).is_none()
            && !self.has_watermark()
            && says_so()
    }
}
