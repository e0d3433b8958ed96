use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::image::{
    Adjust, Color, Control, Fit, Flip, Format, Gravity, Limits, MetadataPolicy, Rotation, prepare,
};

fn parse(params: &str) -> Plan {
    Plan::from_params(params).unwrap()
}

fn presets(list: &[(&str, &str)]) -> Presets {
    let mut presets = Presets::default();
    for (name, params) in list {
        presets.add(name.as_bytes(), params.as_bytes()).unwrap();
    }
    presets
}

fn allow(rules: &str) -> Allow {
    let mut allow = Allow::default();
    rules.split(' ').for_each(|rule| allow.add(rule.as_bytes()).unwrap());
    allow
}

fn check(allow: &Allow, list: &str) -> Result<(), Error> {
    allow.check(&Params::parse(list.as_bytes()).unwrap(), Hints::default()).map(|_| ())
}

#[test]
fn every_name() {
    let plan = parse(
        "width=300&height=200/fit=cover,gravity=north,dpr=1.5,enlarge=off,quality=60,format=webp,\
         background=#102030,rotate=90,flip=h,blur=2.5,sharpen=25,brightness=1.1,contrast=0.9,\
         saturation=2,hue=-90,gamma=2.2,grayscale=on,trim=10,metadata=copyright",
    );
    assert_eq!(
        plan,
        Plan {
            fit: Fit::Crop { width: NonZeroU32::new(300), height: NonZeroU32::new(200) },
            gravity: Gravity::Point { x: 5000, y: 0 },
            dpr: 150,
            enlarge: false,
            rotate: Rotation::Ccw270,
            flip: Flip { horizontal: true, vertical: false },
            format: Some(Format::Webp),
            jpeg_quality: 60,
            webp_quality: 60,
            avif_quality: 60,
            jxl_quality: Some(60),
            blur: 250,
            sharpen: 25,
            adjust: Adjust {
                brightness: 110,
                contrast: 90,
                saturation: 200,
                hue: 270,
                gamma: 220,
                grayscale: true,
                ..Adjust::default()
            },
            trim: Some(10),
            background: Color { r: 0x10, g: 0x20, b: 0x30 },
            metadata: MetadataPolicy::Copyright,
            ..Plan::default()
        }
    );
    assert_eq!(
        parse(
            "w=300,h=200,fit=crop,g=north,dpr=1.50,q=60,f=webp,bg=102030,rotate=90,flip=h,\
             blur=2.50,sharpen=25,brightness=1.1,contrast=.9,saturation=2,hue=270,gamma=2.2,\
             grayscale=on,trim=10,metadata=copyright"
                .replace("=.9", "=0.9")
                .as_str()
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
    assert_eq!(parse("fit=crop,w=3,h=3").fit, Fit::Crop { width: three, height: three });
    // Without a box there is nothing to be covered.
    assert_eq!(parse("fit=crop,w=3,w=-,h=3").fit, Fit::Resize { width: None, height: three });
    assert_eq!(parse("fit=cover,w=3").fit, Fit::Resize { width: three, height: None });
    let mut plan = Plan { fit: Fit::Crop { width: three, height: None }, ..Plan::default() };
    plan.set_params("q=3").unwrap();
    assert_eq!(plan.fit, Fit::Crop { width: three, height: None });
    assert_eq!(parse("fit=pad,w=3").fit, Fit::Pad { width: three, height: None });
    assert_eq!(parse("fit=stretch,h=3").fit, Fit::Stretch { width: None, height: three });
    assert_eq!(parse("fit=outside,w=3,h=3").fit, Fit::Outside { width: three, height: three });
    assert_eq!(parse("fit=outside,w=3").fit, Fit::Resize { width: three, height: None });
    for word in ["aspect-crop", "fill-down"] {
        let both = Fit::AspectCrop { width: three, height: three };
        assert_eq!(parse(&format!("fit={word},w=3,h=3")).fit, both);
        assert_eq!(
            parse(&format!("fit={word},h=3")).fit,
            Fit::Resize { width: None, height: three }
        );
    }
    assert!(!parse("fit=scale-up,w=3").reduce && parse("fit=scale-up,fit=contain,w=3").reduce);
    assert_eq!(parse("rotate=180").rotate, Rotation::Half);
    assert_eq!(parse("rotate=270").rotate, Rotation::Ccw90);
    assert_eq!(parse("rotate=0").rotate, Rotation::None);
    let turned = |text: &str| {
        let plan = parse(text);
        (plan.rotate, plan.tilt)
    };
    assert_eq!(turned("rotate=22.5"), (Rotation::None, 2250));
    assert_eq!(turned("rotate=100"), (Rotation::Ccw270, 1000));
    assert_eq!(turned("rotate=-90"), (Rotation::Ccw90, 0));
    assert_eq!(turned("rotate=-0.01"), (Rotation::Ccw90, 8999));
    assert_eq!(turned("rotate=45,rotate=360"), (Rotation::None, 0));
}

#[test]
fn what_enlarges() {
    for (fit, enlarges) in [
        ("scale-down", false),
        ("crop", false),
        ("contain", true),
        ("cover", true),
        ("pad", true),
        ("stretch", true),
        ("outside", true),
        ("aspect-crop", false),
        ("aspect-pad", false),
        ("auto", false),
        ("scale-up", true),
    ] {
        assert_eq!(parse(&format!("w=9,fit={fit}")).enlarge, enlarges, "{fit}");
        // What was said counts, before and after.
        let (before, after) = (format!("enlarge=off,fit={fit}"), format!("fit={fit},enlarge=on"));
        assert!(!parse(&before).enlarge && parse(&after).enlarge, "{fit}");
    }
    let mut plan = Plan { enlarge: true, ..Plan::default() };
    plan.set_params("w=3").unwrap();
    assert!(plan.enlarge);
    plan.set_params("fit=scale-down").unwrap();
    assert!(!plan.enlarge);
}

#[test]
fn overrides_only_what_it_names() {
    let mut plan = parse("w=300,h=200,fit=crop,q=60");
    plan.set_params("w=100").unwrap();
    assert_eq!(plan.fit, Fit::Crop { width: NonZeroU32::new(100), height: NonZeroU32::new(200) });
    assert_eq!(plan.jpeg_quality, 60);

    let before = plan.clone();
    assert!(plan.set_params("q=10,w=0").is_err());
    assert!(plan.set_params("q=10,p=none").is_err());
    assert_eq!(plan, before);
}

#[test]
fn an_empty_value_is_none() {
    assert_eq!(parse("w=,h=,q=,,f=&/"), Plan::default());
    assert_eq!(parse("w=10,w="), parse("w=10"));
}

#[test]
fn quality_above_a_hundred_is_a_hundred() {
    assert_eq!(parse("q=101").jpeg_quality, 100);
    assert_eq!(parse("q=4000000000").webp_quality, 100);
}

#[test]
fn percent_encoding() {
    assert_eq!(parse("bg=%23ff0000"), parse("bg=red"));
    assert_eq!(parse("bg=rgb(255%2C0%2c0)"), parse("bg=red"));
    assert_eq!(parse("%77=%33"), parse("w=3"));
    // Undone once, and behind the separators.
    assert!(Plan::from_params("w=3%2Ch=4").is_err());
    assert!(Plan::from_params("bg=%2523ff0000").is_err());
    for bad in ["w=%", "w=%3", "w=%3g", "w=%ff", "%zz=1"] {
        assert!(matches!(Plan::from_params(bad), Err(Error::BadParams(_))), "{bad}");
    }
    assert!(Params::parse(b"bg=\xff").is_err());
}

#[test]
fn refused_with_the_reason() {
    for (params, reason) in [
        ("w=0", "\"0\" is no valid w"),
        ("height=+3", "\"+3\" is no valid height"),
        ("w=1e3", "\"1e3\" is no valid w"),
        ("w=4294967296", "\"4294967296\" is no valid w"),
        ("q=0", "\"0\" is no valid q"),
        ("q=-1", "\"-1\" is no valid q"),
        ("fit=stretchy", "\"stretchy\" is no valid fit"),
        ("f=bmp", "\"bmp\" is no valid f"),
        ("bg=nocolour", "\"nocolour\" is no valid bg"),
        ("rotate=361", "\"361\" is no valid rotate"),
        ("rotate=east", "\"east\" is no valid rotate"),
        ("sharpen=99999", "\"99999\" is no valid sharpen"),
        ("dpr=5", "\"5\" is no valid dpr"),
        ("g=1.1:0", "\"1.1:0\" is no valid g"),
        ("blur=251", "\"251\" is no valid blur"),
        ("brightness=-1", "\"-1\" is no valid brightness"),
        ("gamma=0", "\"0\" is no valid gamma"),
        ("flip=x", "\"x\" is no valid flip"),
        ("trim=256", "\"256\" is no valid trim"),
        ("metadata=all", "\"all\" is no valid metadata"),
        ("colour=red", "unknown name \"colour\""),
        ("colour=", "unknown name \"colour\""),
        ("W=3", "unknown name \"W\""),
        ("=3", "unknown name \"\""),
        ("w", "\"w\" has no value"),
        // Nothing gets into a log that could pass for a line of its own.
        ("w=%0a%22", "\"\\n\\\"\" is no valid w"),
    ] {
        let Err(Error::BadParams(said)) = Plan::from_params(params) else { panic!("{params}") };
        let (what, _) = said.split_once(", it must be ").unwrap_or((&said, ""));
        assert_eq!(what, reason, "{params}");
    }
    let said = Plan::from_params("q=0").unwrap_err().to_string();
    assert_eq!(said, "bad parameter: \"0\" is no valid q, it must be a number from 1 up");
    let unknown = Plan::from_params("p=thumb").unwrap_err();
    assert_eq!(unknown, Error::UnknownPreset("thumb".to_owned()));
    assert_eq!(unknown.to_string(), "bad parameter: there is no preset \"thumb\"");
}

#[test]
fn presets_stand_for_their_list() {
    let presets = presets(&[("thumb", "w=100,h=100,fit=cover,q=50"), ("sharp", "sharpen=50")]);
    let made = |list: &str| {
        let mut plan = Plan::default();
        plan.apply(
            &Params::parse(list.as_bytes()).unwrap(),
            &presets,
            std::iter::empty(),
            Hints::default(),
        )
        .map(|()| plan)
    };
    assert_eq!(made("p=thumb").unwrap(), parse("w=100,h=100,fit=cover,q=50"));
    assert_eq!(made("preset=thumb,p=sharp,w=50").unwrap(), {
        parse("w=50,h=100,fit=cover,q=50,sharpen=50")
    });
    // In the order in which they stand.
    assert_eq!(made("w=50,p=thumb").unwrap(), made("p=thumb").unwrap());
    assert!(matches!(made("p=other"), Err(Error::UnknownPreset(_))));
}

#[test]
fn bad_presets() {
    let mut presets = presets(&[("a", "w=1")]);
    for (name, list) in [("a", "w=2"), ("", "w=1"), ("a b", "w=1"), ("b", "w=x"), ("b", "p=a")] {
        assert!(matches!(presets.add(name.as_bytes(), list.as_bytes()), Err(Error::BadParams(_))));
    }
}

#[test]
fn only_presets_without_rules() {
    let none = Allow::default();
    assert_eq!(check(&none, ""), Ok(()));
    assert_eq!(check(&none, "p=thumb,preset=any"), Ok(()));
    assert_eq!(
        check(&none, "p=thumb,w=1"),
        Err(Error::NotAllowed("width, only presets are".to_owned()))
    );
}

#[test]
fn rules() {
    let some =
        allow("width=100,200,400-1600,- format=* h=50 fit=scale-down,cover dpr=1-2 bg=white");
    for list in [
        "",
        "w=100",
        "w=200",
        "w=400",
        "width=999",
        "w=1600",
        "w=-",
        "f=webp",
        "f=original",
        "h=50",
        "fit=cover",
        "fit=scale-down",
        "dpr=1.75",
        "dpr=2.00",
        "bg=fff",
        "bg=rgb(255%2C255%2C255)",
        "w=",
        "w=0100",
    ] {
        assert_eq!(check(&some, list), Ok(()), "{list}");
    }
    for (list, reason) in [
        ("w=101", "width \"101\""),
        ("w=399", "width \"399\""),
        ("w=1601", "width \"1601\""),
        ("w=100,w=300,w=200", "width \"300\""),
        ("h=51", "height \"51\""),
        ("h=-", "height \"-\""),
        ("fit=contain", "fit \"contain\""),
        ("dpr=2.01", "dpr \"2.01\""),
        ("bg=black", "background \"black\""),
        ("q=50", "quality"),
        ("p=thumb", "preset"),
    ] {
        assert_eq!(check(&some, list), Err(Error::NotAllowed(reason.to_owned())), "{list}");
    }
    let thumb = allow("preset=thumb,small");
    assert_eq!(check(&thumb, "p=thumb"), Ok(()));
    assert!(check(&thumb, "p=large").is_err());
}

#[test]
fn bad_rules() {
    for rule in [
        "",
        "width",
        "width=",
        "width=0",
        "width=x",
        "width=200-100",
        "width=1-",
        "width=1,,2",
        "colour=*",
        "fit=cover-crop",
        "quality=0-100",
        "enlarge=yes",
        "width=**",
    ] {
        let added = Allow::default().add(rule.as_bytes());
        assert!(matches!(added, Err(Error::BadParams(_))), "{rule}");
    }
    let mut twice = allow("w=1");
    assert!(twice.add(b"width=2").is_err());
    assert!(twice.add(b"\xff=1").is_err());
}

/// Lists of parameters as visitors might send them: mostly well-formed, often out of range,
/// sometimes garbage.
fn any_list() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => Just("w"),
        4 => Just("width"),
        8 => Just("h"),
        6 => Just("fit"),
        4 => Just("dpr"),
        2 => Just("round"),
        3 => Just("enlarge"),
        2 => Just("rotate"),
        2 => Just("g"),
        2 => Just("p"),
        1 => Just("q"),
        1 => Just("trim"),
        1 => Just("flip"),
        1 => Just("blur"),
        1 => Just("hue"),
        1 => Just("bg"),
        1 => Just("W"),
    ];
    let value = prop_oneof![
        6 => (0u32..70).prop_map(|number| number.to_string()),
        2 => any::<u32>().prop_map(|number| number.to_string()),
        2 => (0u32..500).prop_map(|number| format!("{}.{:02}", number / 100, number % 100)),
        4 => prop_oneof![
            Just("scale-down"), Just("contain"), Just("cover"), Just("crop"), Just("pad"),
            Just("stretch"), Just("on"), Just("off"), Just("-"), Just("90"), Just("h"),
            Just("outside"), Just("aspect-crop"), Just("scale-up"), Just("nearest"),
            Just("aspect-pad"), Just("auto"),
            Just("small"), Just("large"), Just("0.5:0.2"), Just("smart"), Just("north"),
        ].prop_map(str::to_owned),
        1 => "[-0-9a-z%.:]{0,6}",
        1 => ".{0,8}",
    ];
    let item = (name, value, "[,&/]").prop_map(|(name, value, end)| format!("{name}={value}{end}"));
    prop_oneof![
        15 => proptest::collection::vec(item, 0..6).prop_map(|items| items.concat()),
        1 => ".{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, ..ProptestConfig::default() })]

    /// Whatever a list says: it is refused, or what comes out keeps to limits and rules.
    #[test]
    fn no_list_leads_beyond_limits_and_rules(list in any_list(), source in 0usize..3) {
        let presets = presets(&[("small", "w=5,h=5,fit=pad"), ("large", "w=60,h=60,fit=cover")]);
        let rules = allow("w=10,20,30-40 h=8-16 fit=* dpr=1-2 enlarge=on rotate=* g=* p=small trim=* round=*");
        let limits = Limits { output_pixels: 1500, ..Limits::default() };
        let Ok(params) = Params::parse(list.as_bytes()) else { return Ok(()) };
        let mut plan = Plan { fit: Fit::Resize { width: NonZeroU32::new(20), height: None }, ..Plan::default() };
        if rules.check(&params, Hints::default()).is_err() || plan.apply(&params, &presets, std::iter::empty(), Hints::default()).is_err() {
            return Ok(());
        }
        let (Fit::Resize { width, height } | Fit::Crop { width, height } | Fit::Pad { width, height }
            | Fit::Stretch { width, height } | Fit::Outside { width, height }
            | Fit::AspectCrop { width, height } | Fit::AspectPad { width, height }
            | Fit::Auto { width, height }) = plan.fit else { panic!("no box") };
        let ok = |side: Option<NonZeroU32>, ranges: &[(u32, u32)]| side.is_none_or(|side| {
            ranges.iter().any(|&(low, high)| (low..=high).contains(&side.get()))
        });
        prop_assert!(ok(width, &[(5, 5), (10, 10), (20, 20), (30, 40)]), "{plan:?}");
        prop_assert!(ok(height, &[(5, 5), (8, 16)]), "{plan:?}");
        prop_assert!((100..=200).contains(&plan.dpr));
        prop_assert_eq!((plan.jpeg_quality, plan.blur, plan.adjust.hue), (75, 0, 0));

        // Tall, wide, and tiny.
        let source = [TALL, WIDE, TINY][source];
        let prepared = match prepare(source, &plan, &limits) {
            Err(error) => {
                prop_assert!(matches!(error, Error::TooManyPixels(_)), "{error:?}");
                return Ok(());
            }
            Ok(prepared) => prepared,
        };
        match prepared.run(&Control::default()) {
            Err(error) => prop_assert!(matches!(error, Error::TooManyPixels(_)), "{error:?}"),
            Ok(made) => {
                prop_assert!(u64::from(made.width) * u64::from(made.height) <= 1500, "{plan:?}");
                // A box turned with the image may have its sides exchanged.
                let side = |side: Option<NonZeroU32>| side.map_or(u32::MAX, |side| side.get() * 2);
                let (w, h) = (side(width), side(height));
                let fits = (made.width <= w && made.height <= h) || (made.width <= h && made.height <= w);
                // What is turned by less than a quarter behind the box is no longer than both sides.
                let fits = fits || plan.tilt != 0 && made.width.max(made.height) <= w.saturating_add(h);
                // What is to cover a box goes beyond it, and what is never reduced.
                let is_free = matches!(plan.fit, Fit::Outside { .. }) || !plan.reduce;
                prop_assert!(fits || is_free, "{plan:?} {}x{}", made.width, made.height);
            }
        }
    }
}

/// Images: 3x90, 90x3 and 1x1 pixels.
const TALL: &[u8] = include_bytes!("../../../tests/fixtures/tall.png");
const WIDE: &[u8] = include_bytes!("../../../tests/fixtures/wide.png");
const TINY: &[u8] = include_bytes!("../../../tests/fixtures/tiny.png");

proptest! {
    #[test]
    fn never_panics(params in ".{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = Plan::from_params(&params);
        let _ = Params::parse(&bytes);
        let _ = Allow::default().add(&bytes);
        let _ = Allow::default().add(params.as_bytes());
        let _ = Presets::default().add(&bytes, params.as_bytes());
    }
}

#[test]
fn what_is_not_listed_counts_as_the_next_that_is() {
    let width = |rules: &[&str], list: &str, hints: Hints| {
        let mut allow = Allow::default();
        rules.iter().for_each(|rule| allow.add(rule.as_bytes()).unwrap());
        let params = Params::parse(list.as_bytes()).unwrap();
        let counting = allow.check(&params, hints).ok()?;
        let mut plan = Plan::default();
        plan.apply(&counting, &Presets::default(), std::iter::empty(), hints).unwrap();
        let Fit::Resize { width, .. } = plan.fit else { return Some(0) };
        Some(width.map_or(0, u32::from))
    };
    let heard = |width| Hints { is_heard: true, width: NonZeroU32::new(width), ..Hints::default() };
    let listed = &["width=800,200,400", "round=up", "format=*"];
    for (list, wanted) in [
        ("w=1", Some(200)),
        ("w=200", Some(200)),
        ("w=201", Some(400)),
        ("w=799,f=webp", Some(800)),
        ("w=4000000000", Some(800)),
        ("w=50%25", None),
        ("h=200", None),
        ("w=-", None),
    ] {
        assert_eq!(width(listed, list, heard(0)), wanted, "{list}");
    }
    let ranges = &["round=up", "width=100-200,500-600"];
    for (asked, wanted) in [(99, 100), (150, 150), (201, 500), (550, 550), (601, 600)] {
        assert_eq!(width(ranges, &format!("w={asked}"), heard(0)), Some(wanted));
    }
    // Without a word of rounding only what is left to the client is one of the list.
    let plain = &["width=800,200,400"];
    assert_eq!(width(plain, "w=300", heard(300)), None);
    for (hint, wanted) in [(0, 800), (1, 200), (300, 400), (9999, 800)] {
        assert_eq!(width(plain, "w=auto", heard(hint)), Some(wanted), "{hint}");
    }
    assert_eq!(width(&["width=*"], "w=auto", heard(300)), Some(300));
    assert_eq!(width(&["all"], "w=auto", heard(300)), Some(300));
    assert_eq!(width(&["height=*"], "w=auto", heard(300)), None);
}

#[test]
fn hints_decide_where_they_are_heard() {
    let slow = Hints { is_heard: true, is_slow: true, ..Hints::default() };
    let heard = Hints { width: NonZeroU32::new(300), ..slow };
    let planned = |list: &str, hints| {
        let mut plan = Plan::default();
        let params = Params::parse(list.as_bytes()).unwrap();
        plan.apply(&params, &Presets::default(), std::iter::empty(), hints).map(|()| plan)
    };
    assert!(planned("w=auto", Hints::default()).is_err());
    let plan = planned("w=auto,dpr=2,slow_quality=30,q=80", heard).unwrap();
    assert_eq!((plan.dpr, plan.jpeg_quality), (100, 30));
    assert!(plan.varies().width && plan.varies().connection);
    let plan = planned("w=auto,w=100,dpr=2", heard).unwrap();
    assert_eq!((plan.dpr, plan.varies().width), (200, false));
    // That of a location goes before all but what is asked for such connections.
    let told = Hints { slow_quality: Some(20), ..heard };
    assert_eq!(planned("q=80", told).unwrap().jpeg_quality, 20);
    assert_eq!(planned("q=80,slow_quality=30", told).unwrap().jpeg_quality, 30);
    let fast = Hints { is_slow: false, ..heard };
    assert_eq!(planned("q=80,slow_quality=30", fast).unwrap().jpeg_quality, 80);
    let deaf = planned("q=80,slow_quality=30", Hints::default()).unwrap();
    assert!(deaf.jpeg_quality == 80 && !deaf.varies().connection);
}
