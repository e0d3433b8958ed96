//! Plans written as a list of parameters, the way CDNs do in their URLs.

use super::{Bound, Color, Error, Fit, Format, MetadataPolicy, Plan, Rotation};

/// How the box of a [`Fit`] is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filling {
    Inside,
    Covering,
}

impl Plan {
    /// Reads a plan from a list such as `width=300,height=200,fit=cover,q=60`.
    ///
    /// # Errors
    /// Those of [`set_params`](Plan::set_params).
    ///
    /// ```
    /// use image_gate_core::image::{Fit, Plan};
    ///
    /// let plan = Plan::from_params("w=300,q=60")?;
    /// assert!(matches!(plan.fit, Fit::Resize { height: None, .. }));
    /// assert_eq!(plan.jpeg_quality, 60);
    /// # Ok::<(), image_gate_core::image::Error>(())
    /// ```
    pub fn from_params(params: &str) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        plan.set_params(params)?;
        Ok(plan)
    }

    /// Overrides what the list names and leaves the rest of the plan as it is.
    ///
    /// Items are separated by `,`, `&` or `/`; of a repeated name the last item
    /// counts. The names are
    ///
    /// | name | value |
    /// | --- | --- |
    /// | `width`, `w` and `height`, `h` | pixels of the box, or `-` for no bound |
    /// | `fit` | `scale-down` or `contain` (inside the box), `crop` or `cover` (covering it) |
    /// | `quality`, `q` | 1 to 100, for JPEG, WebP and AVIF; more counts as 100 |
    /// | `format`, `f` | `original`, `jpeg`, `png`, `gif`, `webp` or `avif` |
    /// | `background`, `bg` | a colour, see [`Color::parse`] |
    /// | `rotate` | 0, 90, 180 or 270 degrees, **clockwise** |
    /// | `sharpen` | percent, 0 is off |
    /// | `metadata` | `strip`, `copyright` or `keep` |
    ///
    /// # Errors
    /// [`Error::BadParams`] that says which item is wrong; the plan is then
    /// as it was.
    pub fn set_params(&mut self, params: &str) -> Result<(), Error> {
        let mut plan = self.clone();
        let (mut filling, mut width, mut height) = match plan.fit {
            Fit::None => (None, None, None),
            Fit::Resize { width, height } => (Some(Filling::Inside), width, height),
            Fit::Crop { width, height } => (Some(Filling::Covering), width, height),
        };

        for item in params.split([',', '&', '/']).filter(|item| !item.is_empty()) {
            let (name, value) = item
                .split_once('=')
                .ok_or_else(|| Error::BadParams(format!("\"{item}\" has no value")))?;
            let bad = || Error::BadParams(format!("\"{value}\" is no valid {name}"));
            match name {
                "width" | "w" => width = bound(value).ok_or_else(bad)?,
                "height" | "h" => height = bound(value).ok_or_else(bad)?,
                "fit" => filling = Some(fit(value).ok_or_else(bad)?),
                "quality" | "q" => {
                    let quality = quality(value).ok_or_else(bad)?;
                    plan.jpeg_quality = quality;
                    plan.webp_quality = quality;
                    plan.avif_quality = quality;
                }
                "format" | "f" => plan.format = format(value).ok_or_else(bad)?,
                "background" | "bg" => {
                    plan.background = Color::parse(value.as_bytes()).ok_or_else(bad)?;
                }
                "rotate" => plan.rotate = clockwise(value).ok_or_else(bad)?,
                "sharpen" => plan.sharpen = number(value).ok_or_else(bad)?,
                "metadata" => plan.metadata = metadata(value).ok_or_else(bad)?,
                _ => return Err(Error::BadParams(format!("unknown name \"{name}\""))),
            }
        }

        plan.fit = match filling {
            None if width.is_none() && height.is_none() => Fit::None,
            None | Some(Filling::Inside) => Fit::Resize { width, height },
            Some(Filling::Covering) => Fit::Crop { width, height },
        };
        *self = plan;
        Ok(())
    }
}

/// A plain decimal number: no sign, no space.
fn number<T: std::str::FromStr>(value: &str) -> Option<T> {
    value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok()).flatten()
}

fn bound(value: &str) -> Option<Bound> {
    if value == "-" { Some(None) } else { number(value).map(Some) }
}

fn fit(value: &str) -> Option<Filling> {
    match value {
        "scale-down" | "contain" => Some(Filling::Inside),
        "crop" | "cover" => Some(Filling::Covering),
        _ => None,
    }
}

fn quality(value: &str) -> Option<u8> {
    match number::<u32>(value)? {
        0 => None,
        quality => Some(quality.min(100) as u8),
    }
}

fn format(value: &str) -> Option<Option<Format>> {
    if value == "original" {
        return Some(None);
    }
    Format::from_name(value.as_bytes()).map(Some)
}

fn clockwise(value: &str) -> Option<Rotation> {
    match number::<u32>(value)? {
        0 => Some(Rotation::None),
        degrees => Rotation::from_degrees(360u32.checked_sub(degrees)?),
    }
}

fn metadata(value: &str) -> Option<MetadataPolicy> {
    match value {
        "strip" => Some(MetadataPolicy::Strip),
        "copyright" => Some(MetadataPolicy::Copyright),
        "keep" => Some(MetadataPolicy::Keep),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn parse(params: &str) -> Plan {
        Plan::from_params(params).unwrap()
    }

    #[test]
    fn every_name() {
        let plan = parse(
            "width=300&height=200/fit=cover,quality=60,format=webp,background=#102030,\
             rotate=90,sharpen=25,metadata=copyright",
        );
        assert_eq!(
            plan,
            Plan {
                fit: Fit::Crop { width: NonZeroU32::new(300), height: NonZeroU32::new(200) },
                rotate: Rotation::Ccw270,
                format: Some(Format::Webp),
                jpeg_quality: 60,
                webp_quality: 60,
                avif_quality: 60,
                sharpen: 25,
                background: Color { r: 0x10, g: 0x20, b: 0x30 },
                metadata: MetadataPolicy::Copyright,
                ..Plan::default()
            }
        );
        assert_eq!(
            parse(
                "w=300,h=200,fit=crop,q=60,f=webp,bg=102030,rotate=90,sharpen=25,metadata=copyright"
            ),
            plan
        );
    }

    #[test]
    fn geometry() {
        let three = NonZeroU32::new(3);
        assert_eq!(parse("").fit, Fit::None);
        assert_eq!(parse("q=1").fit, Fit::None);
        assert_eq!(parse("w=3").fit, Fit::Resize { width: three, height: None });
        assert_eq!(parse("h=3,w=-").fit, Fit::Resize { width: None, height: three });
        assert_eq!(parse("h=3,fit=contain").fit, Fit::Resize { width: None, height: three });
        assert_eq!(parse("fit=crop,w=3,w=-,h=3").fit, Fit::Crop { width: None, height: three });
        assert_eq!(parse("rotate=180").rotate, Rotation::Half);
        assert_eq!(parse("rotate=270").rotate, Rotation::Ccw90);
        assert_eq!(parse("rotate=0").rotate, Rotation::None);
    }

    #[test]
    fn overrides_only_what_it_names() {
        let mut plan = parse("w=300,h=200,fit=crop,q=60");
        plan.set_params("w=100").unwrap();
        assert_eq!(
            plan.fit,
            Fit::Crop { width: NonZeroU32::new(100), height: NonZeroU32::new(200) }
        );
        assert_eq!(plan.jpeg_quality, 60);

        let before = plan.clone();
        assert!(plan.set_params("q=10,w=0").is_err());
        assert_eq!(plan, before);
    }

    #[test]
    fn quality_above_a_hundred_is_a_hundred() {
        assert_eq!(parse("q=101").jpeg_quality, 100);
        assert_eq!(parse("q=4000000000").webp_quality, 100);
    }

    #[test]
    fn refused_with_the_reason() {
        for (params, reason) in [
            ("w=0", "\"0\" is no valid w"),
            ("w=", "\"\" is no valid w"),
            ("height=+3", "\"+3\" is no valid height"),
            ("w=1e3", "\"1e3\" is no valid w"),
            ("w=4294967296", "\"4294967296\" is no valid w"),
            ("q=0", "\"0\" is no valid q"),
            ("q=-1", "\"-1\" is no valid q"),
            ("fit=stretchy", "\"stretchy\" is no valid fit"),
            ("f=bmp", "\"bmp\" is no valid f"),
            ("bg=nocolour", "\"nocolour\" is no valid bg"),
            ("rotate=45", "\"45\" is no valid rotate"),
            ("rotate=360", "\"360\" is no valid rotate"),
            ("sharpen=99999", "\"99999\" is no valid sharpen"),
            ("metadata=all", "\"all\" is no valid metadata"),
            ("colour=red", "unknown name \"colour\""),
            ("W=3", "unknown name \"W\""),
            ("w", "\"w\" has no value"),
        ] {
            assert_eq!(
                Plan::from_params(params),
                Err(Error::BadParams(reason.to_owned())),
                "{params}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(params in ".{0,40}") {
            let _ = Plan::from_params(&params);
        }
    }
}
