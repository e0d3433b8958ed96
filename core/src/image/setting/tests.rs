use std::collections::HashSet;

use super::notation::Notation;
use super::*;
use crate::image::{Canonical, Hints, Plan};

/// What a setting makes of the default plan.
fn set(setting: &Setting, text: &str) -> Option<Plan> {
    let value = setting.read(text.as_bytes())?;
    let hints = Hints { is_heard: true, width: None, is_slow: true, slow_quality: None };
    let mut draft = Draft { hints, ..Draft::default() };
    setting.set(&mut draft, &value);
    Some(draft.finish(std::iter::empty()))
}

/// A value that is not the default, and what is written alike and is none.
fn examples(setting: &Setting) -> (String, &'static str) {
    match &setting.kind {
        Notation::Switch(_) => ((if setting.default == "on" { "off" } else { "on" }).into(), "1"),
        Notation::Number { least, most, places, .. } => {
            let number = f64::from((least + most) / 2) / 10f64.powi(*places as i32);
            let whole = if *places == 0 { number.floor() } else { number };
            (whole.to_string(), "-1")
        }
        Notation::Degrees { .. } => ("-30".into(), "361"),
        Notation::Quality(_) => ("33".into(), "0"),
        Notation::Trim { .. } => ("0".into(), "256"),
        Notation::Colors(_) => ("64".into(), "257"),
        Notation::Sides(_) => ("1,2,3,4".into(), "1,2,3"),
        Notation::Background(_) => ("#12345678".into(), "nocolour"),
        Notation::Tone { colors: 1, .. } => ("#123456".into(), "transparent"),
        Notation::Tone { .. } => ("#123456,red".into(), "red"),
        Notation::Side(_) => ("7".into(), "0"),
        Notation::Bytes(_) => ("3k".into(), "0"),
        Notation::Word(choice) => {
            let words = choice.words();
            let other = words.iter().find(|word| **word != setting.default);
            (other.copied().unwrap_or_default().into(), "none")
        }
        Notation::Color(_) => ("#123456".into(), "transparent"),
        Notation::Gravity(_) => ("north".into(), "up"),
        Notation::Place(_) => ("north".into(), "smart"),
        Notation::Paint(_) => ("#12345678".into(), "blur"),
        Notation::Format(_) => ("gif".into(), "bmp"),
        Notation::Length { .. } => ("50%".into(), "0%"),
        Notation::Ratio(_) => ("16:9".into(), "16:0"),
        Notation::Area(_) => ("1,0,50%,0.5".into(), "1,0,0,1"),
        Notation::Preset => ("any".into(), ""),
        Notation::Fonts(_) => ("/fonts".into(), "fonts"),
    }
}

#[test]
fn defaults_change_nothing_and_values_do() {
    for setting in SETTINGS {
        let name = format!("{setting}");
        if !setting.default.is_empty() {
            assert_eq!(set(setting, setting.default), Some(Plan::default()), "{name}");
        }
        let (other, wrong) = examples(setting);
        if matches!(setting.kind, Notation::Preset) {
            continue;
        }
        let changed = set(setting, &other).unwrap_or_else(|| panic!("{name} {other}"));
        // The filling of a box shows where there is one.
        if setting.name() != "fit" {
            assert_ne!(changed, Plan::default(), "{name} {other}");
            let (mut text, mut default) = (String::new(), String::new());
            changed.write(&mut text);
            Plan::default().write(&mut default);
            assert_ne!(text, default, "{name} {other}");
        }
        for wrong in [wrong, "", " ", "\0"] {
            assert_eq!(set(setting, wrong), None, "{name} {wrong:?}");
        }
        assert!(!setting.expected().is_empty(), "{name}");
    }
}

#[test]
fn names_are_found_and_stand_once() {
    let mut names = HashSet::new();
    let mut arguments = HashSet::new();
    let mut directives = Vec::new();
    for setting in SETTINGS {
        for name in setting.params {
            assert!(names.insert(*name), "{name} stands twice");
            assert!(std::ptr::eq(Setting::find_param(name).unwrap(), setting));
            assert!(std::ptr::eq(Setting::find(name).unwrap(), setting));
        }
        let Some(directive) = &setting.directive else { continue };
        assert!(arguments.insert(format!("{setting}")), "{setting} stands twice");
        // Rows of a directive stand together, but for the one of a box that goes before another.
        if directives.last() != Some(&directive.name) {
            assert!(!directives.contains(&directive.name), "{setting} stands apart");
            directives.push(directive.name);
        }
    }
    assert_eq!(Setting::find("interlace").unwrap().to_string(), "image_resize_interlace");
    assert_eq!(Setting::find("effort").unwrap().to_string(), "image_resize_webp_quality effort");
    assert!(Setting::find_param("interlace").is_none());
    assert!(Setting::find("").is_none() && Setting::find_param("").is_none());
}

#[test]
fn ranges() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("dpr", &["1", "2.5", "4", "1.25"], &["0.99", "4.01", "", "1.125"]),
        ("brightness", &["0", "1.05", "10"], &["10.01", "-1", "1e1"]),
        ("gamma", &["0.1", "2.2"], &["0", "0.09"]),
        ("hue", &["-360", "360", "0"], &["361", "--1", "-", "1.5"]),
        ("blur", &["0", "0.5", "250"], &["250.01", "-1", "99999999999"]),
        ("sharpen", &["0", "1000"], &["1001", "1.5"]),
        ("trim", &["off", "0", "255", "1,2,3,4", "1:2:3:4"], &["256", "on", "", "1,2"]),
        ("flip", &["h", "v", "hv"], &["vh", "both"]),
        ("rotate", &["0", "90", "-90", "360", "22.5", "0.01"], &["361", "22.505", "--1", "east"]),
        (
            "width",
            &["1", "-", "4294967295", "50%", "0.0001%", "1000%", "33.333333333%"],
            &["0", "4294967296", "+1", "1.5", "0%", "1001%", "-5%", "%", "nan%"],
        ),
        ("zoom", &["0.01", "1.5", "10"], &["0", "10.01"]),
        ("max_height", &["1", "-"], &["0", "50%"]),
        ("ar", &["off", "16:9", "1.85:1", "1.5"], &["0", "16:9:1"]),
        ("crop", &["off", "0,0,1,1", "1:2:50%:0.5"], &["0,0,0,1", "1,2,3"]),
        ("quality", &["1", "100", "250"], &["0", "-5", "99999999999"]),
        ("max_bytes", &["off", "1", "9g"], &["0", "small", "-1"]),
        ("effort", &["0", "6"], &["7", "-1", ""]),
    ];
    for (name, right, wrong) in cases {
        let setting = Setting::find(name).unwrap();
        for text in *right {
            assert!(setting.read(text.as_bytes()).is_some(), "{name}={text}");
        }
        for text in *wrong {
            assert!(setting.read(text.as_bytes()).is_none(), "{name}={text}");
        }
    }
}

#[test]
fn expectations_are_those_of_the_row() {
    let expected = |name: &str| Setting::find(name).unwrap().expected();
    assert_eq!(expected("blur"), "a number of pixels from 0 to 250");
    assert_eq!(expected("dpr"), "a number from 1 to 4");
    assert_eq!(expected("gamma"), "a number from 0.1 to 10");
    assert_eq!(expected("png_compression"), "fast, balanced or best");
    assert_eq!(expected("damaged"), "lenient or strict");
}
