use super::*;
use crate::image::Clamp;

fn asks(modifiers: &str, params: &str) {
    means(Dialect::Ipx, &format!("/{modifiers}/a.jpg"), params, "/a.jpg");
}

#[test]
fn modifiers_of_the_documentation() {
    for (modifiers, params) in [
        ("_", ""),
        ("w_300", "w=300"),
        ("width:300", "w=300"),
        ("h=200", "h=200"),
        ("w_300,h_200", "w=300"),
        ("enlarge,w_300", "w=300,enlarge=on"),
        ("w_300&enlarge", "w=300,enlarge=on"),
        ("s_300x200", "w=300,h=200,fit=aspect-crop"),
        ("s_300", "w=300,h=300,fit=aspect-crop"),
        ("s_0x0", ""),
        ("enlarge,s_300x200", "w=300,h=200,fit=cover"),
        ("enlarge,fit_contain,s_300x200", "w=300,h=200,fit=pad,background=black"),
        ("enlarge,fit_contain,b_ff0000,s_300x200", "w=300,h=200,fit=pad,background=ff0000"),
        ("enlarge,fit_fill,resize_300x200", "w=300,h=200,fit=stretch"),
        ("enlarge,fit_inside,s_300x200", "w=300,h=200,fit=contain"),
        ("enlarge,fit_outside,s_300x200", "w=300,h=200,fit=outside"),
        ("fit_contain,s_300x200", "w=300,h=200,fit=pad,background=black"),
        ("fit_inside,s_300x200", "w=300,h=200,fit=contain"),
        ("threshold_100", "threshold=100"),
        ("pos_top,s_3x2", "w=3,h=2,fit=aspect-crop,gravity=north"),
        ("position_left%20bottom,s_3x2", "w=3,h=2,fit=aspect-crop,gravity=southwest"),
        ("q_50", "q=50"),
        ("f_webp", "f=webp,anim=off"),
        ("f_gif", "f=gif"),
        ("f_webp,a", "f=webp"),
        ("format_auto", "f=auto,anim=off"),
        ("rotate_180", "rotate=180"),
        ("rotate_-90", "rotate=270"),
        ("flip", "flip=v"),
        ("flop", "flip=h"),
        ("rotate_90,flip", "rotate=90,flip=h"),
        ("blur_5", "blur=5"),
        ("blur", "blur=0.82"),
        ("sharpen_2", "sharpen=200"),
        ("grayscale", "grayscale=on"),
        ("modulate_2_0.5_90", "brightness=2,saturation=0.5,hue=90"),
        ("trim_20", "trim=20"),
        ("extend_1_2_3_4", "padding=1:2:3:4,background=black"),
        ("extend_1_2_3_4,b_fff", "padding=1:2:3:4,background=fff"),
        ("flatten,b_fff", "background=fff,flatten=on"),
        ("w_300,rotate_90", "w=300,rotate=90"),
        ("extract_1_2_3_4", "crop=1:2:3:4"),
        ("kernel_lanczos3,unheard_1", ""),
    ] {
        asks(modifiers, params);
    }
}

#[test]
fn boxes_without_enlarge_lie_within_the_picture() {
    let clamp = |modifiers: &str| {
        plan_of(&read(Dialect::Ipx, &format!("/{modifiers}/a.jpg")).unwrap()).bounds.clamp
    };
    assert_eq!(clamp("fit_fill,s_300x200"), Clamp::Ratio);
    assert_eq!(clamp("fit_fill,s_300x200,enlarge"), Clamp::Off);
    assert_eq!(clamp("s_300x200"), Clamp::Off);
}

#[test]
fn sources() {
    for (rest, source) in [
        ("a/b%20c.jpg", "/a/b%20c.jpg"),
        ("https://h.test/a.jpg?v=1", "https://h.test/a.jpg?v=1"),
        ("https:/h.test/a.jpg", "https://h.test/a.jpg"),
        ("https%3A%2F%2Fh.test%2Fa.jpg", "https://h.test/a.jpg"),
    ] {
        means(Dialect::Ipx, &format!("/w_3/{rest}"), "w=3", source);
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (modifiers, reason) in [
        ("f_heif", "\"format_heif\" can't"),
        ("median_3", "\"median\" can't"),
        ("gamma_2.2", "\"gamma\" can't"),
        ("kernel_nearest", "\"kernel\" can't"),
        ("s_3x3,w_3", "\"resize beside width or height\" can't"),
        ("rotate_90,crop_1_2_3_4", "\"rotate beside what cuts or adds\" can't"),
        ("w_0", "\"width\" has no valid"),
        ("q_x", "\"quality\" has no valid"),
        ("s_ax3", "\"resize\" has no valid"),
        ("crop_1_2", "\"extract\" has no valid"),
    ] {
        refuses(Dialect::Ipx, &format!("/{modifiers}/a.jpg"), reason);
    }
    for uri in ["/", "/w_3", "/w_3/", "//a.jpg"] {
        refuses(Dialect::Ipx, uri, "MODIFIERS");
    }
}
