#!/bin/sh
# Makes the marks of the examples anew, with ImageMagick 6 and fonts-dejavu-core as Debian 12 has them:
#   sh make.sh /usr/bin/convert
set -eu
convert=${1:-convert}
cd "$(dirname "$0")"
png='-strip -define png:exclude-chunks=date,time -define png:color-type=6'
font=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf

$convert -size 240x96 xc:none -fill '#10254a' -draw 'roundrectangle 2,2 237,93 18,18' \
    -fill '#ffd166' -draw 'roundrectangle 24,22 60,80 18,18' -draw 'rectangle 24,50 60,76' \
    -fill '#10254a' -draw 'roundrectangle 32,30 52,80 10,10' -draw 'rectangle 32,50 52,80' \
    -fill white -font $font -pointsize 22 -gravity West -annotate +76+0 'image gate' $png logo.png
$convert -size 240x96 xc:none -fill '#7a1f3d' -draw 'ellipse 120,48 118,46 0,360' \
    -fill white -font $font -pointsize 34 -gravity Center -annotate +0+0 studio $png studio.png
