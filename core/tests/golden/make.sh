#!/bin/sh
# Makes the golden images anew, with ImageMagick 6 and libvips as Debian 12 has them
# (packages imagemagick and libvips-tools):
#   sh make.sh /usr/bin/convert /usr/bin/vips
#
# The source is ../fixtures/pattern.png, 97x65.
set -eu
convert=${1:-convert}
vips=${2:-vips}
cd "$(dirname "$0")"
source=../fixtures/pattern.png

im() { # NAME ARGUMENT...: what ImageMagick makes of the source
    name=$1
    shift
    $convert $source -depth 8 "$@" -depth 8 -strip -define png:color-type=2 "$name.png"
}

# Scaling by Lanczos3.
im resize -filter Lanczos -resize 49x33!
im enlarge -filter Lanczos -resize 194x130!
# 59x40 covers 40x40, of which the east is kept.
im crop-east -filter Lanczos -resize 59x40! -gravity east -crop 40x40+0+0 +repage
$vips resize $source "stretch.png[strip]" 0.412371134 --vscale 0.92307692307

im pad -background '#336699' -gravity center -extent 121x99
im pad-southwest -background '#336699' -gravity southwest -extent 121x99
im rotate -rotate 90
im flip-h -flop
im flip-v -flip
# Mirrored, then turned.
im flip-rotate -flop -rotate 90
im trim -bordercolor '#204080' -border 7x11

$vips gaussblur $source "blur-0.8.png[strip]" 0.8 --precision float --min-ampl 0.005
$vips gaussblur $source "blur-3.png[strip]" 3 --precision float --min-ampl 0.005
im blur-12 -virtual-pixel edge -blur 0x12

# The kernel of libgd, along the columns and then the rows.
im sharpen-50 -virtual-pixel edge \
    -morphology Convolve '1x3: -0.125,1.25,-0.125' -morphology Convolve '3x1: -0.125,1.25,-0.125'

im brightness-1.3 -evaluate multiply 1.3
im brightness-0.6 -evaluate multiply 0.6
im contrast-1.5 -function polynomial 1.5,-0.25
im contrast-0.5 -function polynomial 0.5,0.25
im gamma-1.8 -gamma 1.8
im gamma-0.5 -gamma 0.5
# The matrices of saturate(0.4), saturate(2), hue-rotate(90deg) and grayscale(1) in CSS.
im saturation-0.4 -color-matrix \
    '0.5276 0.4290 0.0432  0.1276 0.8290 0.0432  0.1276 0.4290 0.4432'
im saturation-2 -color-matrix \
    '1.7874 -0.7152 -0.0722  -0.2126 1.2848 -0.0722  -0.2126 -0.7152 1.9278'
im hue-90 -color-matrix '0 0 1  0.356 0.855 -0.211  -0.574 1.43 0.144'
im grayscale -color-matrix \
    '0.2126 0.7152 0.0722  0.2126 0.7152 0.0722  0.2126 0.7152 0.0722'
